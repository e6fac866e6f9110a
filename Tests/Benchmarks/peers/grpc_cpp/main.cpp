// agent_server PORT callback|queue: cadre.v1.AgentService/Invoke as grpc C++ serves it.
#include <cstdio>
#include <cstring>
#include <string>

#include "servers.h"

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: agent_server PORT callback|queue\n");
        return 64;
    }
    const bench::AgentPool pool;
    const std::string address = std::string("127.0.0.1:") + argv[1];
    if (std::strcmp(argv[2], "callback") == 0) {
        bench::serve_with_callbacks(address, pool);
    } else {
        bench::serve_with_completion_queue(address, pool);
    }
    return 0;
}
