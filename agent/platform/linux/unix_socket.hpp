// Unix sockets in the file system, at paths of any length.
//
// A socket's address holds 107 bytes of path. A longer one is reached by its folder's descriptor
// under /proc/self/fd, so only its last part has to be short.
#pragma once

#include <string>

#include "agent/platform/linux/descriptor.hpp"
#include "common/base/result.hpp"

namespace longhaul::agent {

// A socket that is bound to a path, which goes with it.
class UnixSocket {
 public:
    // `type` is SOCK_STREAM, which listens then, or SOCK_DGRAM. What a program that was killed has
    // left at the path is replaced; a living one's is not. Its owner and group may connect.
    static Result<UnixSocket, Message> bind(const std::string& path, int type);
    UnixSocket(UnixSocket&&) = default;
    UnixSocket& operator=(UnixSocket&&) = default;
    ~UnixSocket();

    int number() const { return socket_.number(); }

 private:
    UnixSocket(Descriptor socket, std::string path)
        : socket_{std::move(socket)}, path_{std::move(path)} {}

    Descriptor socket_;
    std::string path_;
};

// A stream socket that is connected to a path; connecting and sending block for ten seconds at
// most.
Result<Descriptor, Message> connect_unix(const std::string& path);

}  // namespace longhaul::agent
