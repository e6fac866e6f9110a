// The work that every peer does for one Invoke, the same as Cadre's echo agent does: find the agent
// type among a hundred, check the operation, answer with the payload and the metadata of the call.
#pragma once

#include <chrono>
#include <string>
#include <unordered_map>

#include <grpcpp/support/status.h>

#include "cadre/v1/agent_service.pb.h"

namespace bench {

class AgentPool {
public:
    AgentPool() {
        for (int i = 0; i < 99; ++i) {
            instances_.emplace("agent-type-" + std::to_string(i), "agent-" + std::to_string(i));
        }
        instances_.emplace("echo", "echo-1");
    }

    grpc::Status invoke(const cadre::v1::InvokeRequest& request,
                        cadre::v1::InvokeResponse* response) const {
        const auto arrived = std::chrono::steady_clock::now();
        const auto found = instances_.find(request.agent_type());
        if (found == instances_.end()) {
            return {grpc::StatusCode::NOT_FOUND, "unknown agent type " + request.agent_type()};
        }
        if (request.operation() != "say") {
            return {grpc::StatusCode::NOT_FOUND, "unknown operation " + request.operation()};
        }
        response->set_request_id(request.request_id());
        response->set_success(true);
        *response->mutable_payload() = request.payload();
        describe(found->second, arrived, response->mutable_metadata());
        return grpc::Status::OK;
    }

private:
    static void describe(const std::string& instance,
                         std::chrono::steady_clock::time_point arrived,
                         cadre::v1::InvokeMetadata* metadata) {
        using namespace std::chrono;
        metadata->set_agent(instance);
        metadata->set_timestamp_unix_millis(
            duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
        metadata->set_execution_micros(
            duration_cast<microseconds>(steady_clock::now() - arrived).count());
        metadata->set_attempts(1);
    }

    std::unordered_map<std::string, std::string> instances_;
};

}  // namespace bench
