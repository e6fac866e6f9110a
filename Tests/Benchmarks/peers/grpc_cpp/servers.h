// The two ways in which a grpc C++ server is written.
#pragma once

#include <string>

#include "agent_pool.h"

namespace bench {

// Serves on the address with the callback API until the process is ended.
void serve_with_callbacks(const std::string& address, const AgentPool& pool);

// Serves on the address with one completion queue, polled by the calling thread, until the process
// is ended.
void serve_with_completion_queue(const std::string& address, const AgentPool& pool);

}  // namespace bench
