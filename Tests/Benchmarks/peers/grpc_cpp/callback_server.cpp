#include <memory>

#include <grpcpp/grpcpp.h>

#include "cadre/v1/agent_service.grpc.pb.h"
#include "servers.h"

namespace bench {
namespace {

class CallbackService final : public cadre::v1::AgentService::CallbackService {
public:
    explicit CallbackService(const AgentPool& pool) : pool_(pool) {}

    grpc::ServerUnaryReactor* Invoke(grpc::CallbackServerContext* context,
                                     const cadre::v1::InvokeRequest* request,
                                     cadre::v1::InvokeResponse* response) override {
        auto* reactor = context->DefaultReactor();
        reactor->Finish(pool_.invoke(*request, response));
        return reactor;
    }

private:
    const AgentPool& pool_;
};

}  // namespace

void serve_with_callbacks(const std::string& address, const AgentPool& pool) {
    CallbackService service(pool);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    builder.BuildAndStart()->Wait();
}

}  // namespace bench
