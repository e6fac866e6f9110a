#include <memory>
#include <optional>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "cadre/v1/agent_service.grpc.pb.h"
#include "servers.h"

namespace bench {
namespace {

using Service = cadre::v1::AgentService::AsyncService;

// Calls that wait for a request at once. As many as the widest load has in flight (64 x 16), so
// that no request finds the server without a waiting call.
constexpr int waiting_calls = 1024;

// One call after another, its objects used again.
class Call {
public:
    Call(Service& service, grpc::ServerCompletionQueue& queue, const AgentPool& pool)
        : service_(service), queue_(queue), pool_(pool) {
        await_request();
    }

    void event(bool ok) {
        if (answered_ || !ok) {
            await_request();
        } else {
            answer();
        }
    }

private:
    void await_request() {
        answered_ = false;
        responder_.reset();
        context_.emplace();
        responder_.emplace(&*context_);
        request_.Clear();
        response_.Clear();
        service_.RequestInvoke(&*context_, &request_, &*responder_, &queue_, &queue_, this);
    }

    void answer() {
        answered_ = true;
        const auto status = pool_.invoke(request_, &response_);
        if (status.ok()) {
            responder_->Finish(response_, status, this);
        } else {
            responder_->FinishWithError(status, this);
        }
    }

    Service& service_;
    grpc::ServerCompletionQueue& queue_;
    const AgentPool& pool_;
    std::optional<grpc::ServerContext> context_;
    std::optional<grpc::ServerAsyncResponseWriter<cadre::v1::InvokeResponse>> responder_;
    cadre::v1::InvokeRequest request_;
    cadre::v1::InvokeResponse response_;
    bool answered_ = false;
};

}  // namespace

void serve_with_completion_queue(const std::string& address, const AgentPool& pool) {
    Service service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    const auto queue = builder.AddCompletionQueue();
    const auto server = builder.BuildAndStart();
    std::vector<std::unique_ptr<Call>> calls;
    for (int i = 0; i < waiting_calls; ++i) {
        calls.push_back(std::make_unique<Call>(service, *queue, pool));
    }
    void* tag = nullptr;
    bool ok = false;
    while (queue->Next(&tag, &ok)) {
        static_cast<Call*>(tag)->event(ok);
    }
}

}  // namespace bench
