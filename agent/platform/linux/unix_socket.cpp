#include "agent/platform/linux/unix_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace longhaul::agent {
namespace {

constexpr mode_t socket_mode = 0660;
constexpr int backlog = 16;
constexpr timeval patience{10, 0};

Message problem(const std::string& path, const char* what) {
    return {path + ": " + what + ": " + std::strerror(errno)};
}

// The address of a path; while it lives, so does what it may go by.
class Address {
 public:
    static Result<Address, Message> of(const std::string& path) {
        Address address;
        std::string reached = path;
        if (reached.size() >= sizeof(address.name_.sun_path)) {
            const std::size_t slash = path.rfind('/');
            const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
            address.folder_ = Descriptor{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
            if (!address.folder_.open()) return problem(path, "cannot open its folder");
            reached = "/proc/self/fd/" + std::to_string(address.folder_.number()) + "/" +
                      path.substr(slash + 1);
        }
        if (reached.size() >= sizeof(address.name_.sun_path))
            return Message{path + ": the last part of the path is too long for a socket"};
        std::memcpy(address.name_.sun_path, reached.data(), reached.size());
        return address;
    }
    int bind(int socket) const { return ::bind(socket, name(), sizeof(name_)); }
    int connect(int socket) const { return ::connect(socket, name(), sizeof(name_)); }

 private:
    Address() { name_.sun_family = AF_UNIX; }
    const sockaddr* name() const { return reinterpret_cast<const sockaddr*>(&name_); }

    sockaddr_un name_{};
    Descriptor folder_;
};

Descriptor make_socket(int type) { return Descriptor{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)}; }

// Removes a socket at which nobody listens any more.
Result<void, Message> clear_path(const std::string& path, const Address& address, int type) {
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) != 0) return {};
    if (!S_ISSOCK(facts.st_mode)) return Message{path + ": is there already, and is no socket"};
    const Descriptor probe = make_socket(type | SOCK_NONBLOCK);
    if (!probe.open()) return problem(path, "cannot make a socket to see who listens there");
    if (address.connect(probe.number()) == 0 || errno != ECONNREFUSED)
        return Message{path + ": another program listens there"};
    if (::unlink(path.c_str()) != 0) return problem(path, "cannot remove what is left there");
    return {};
}

}  // namespace

Result<UnixSocket, Message> UnixSocket::bind(const std::string& path, int type) {
    LH_TRY_ASSIGN(const Address address, Address::of(path));
    LH_TRY(clear_path(path, address, type));
    Descriptor socket = make_socket(type | SOCK_NONBLOCK);
    if (!socket.open() || address.bind(socket.number()) != 0)
        return problem(path, "cannot make a socket");
    UnixSocket bound{std::move(socket), path};
    if (::chmod(path.c_str(), socket_mode) != 0) return problem(path, "cannot set who may use it");
    if (type == SOCK_STREAM && ::listen(bound.number(), backlog) != 0)
        return problem(path, "cannot listen");
    return bound;
}

UnixSocket::~UnixSocket() {
    if (socket_.open()) ::unlink(path_.c_str());
}

Result<Descriptor, Message> connect_unix(const std::string& path) {
    LH_TRY_ASSIGN(const Address address, Address::of(path));
    Descriptor socket = make_socket(SOCK_STREAM);
    // Who listens there may have stopped to accept.
    ::setsockopt(socket.number(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (!socket.open() || address.connect(socket.number()) != 0)
        return problem(path, "cannot connect");
    return socket;
}

}  // namespace longhaul::agent
