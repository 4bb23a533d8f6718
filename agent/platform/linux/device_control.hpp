// What programs may ask a running device: to store a sample, and `why` it stands as it does.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "agent/platform/linux/control_socket.hpp"
#include "agent/platform/linux/put_source.hpp"

namespace longhaul::agent {

class DeviceControl final : public ControlRequests, public PutAnswers {
 public:
    // `why` makes the answer to that question, as JSON or as a sentence.
    using Why = std::function<std::string(bool json, MonotonicMs now)>;
    explicit DeviceControl(Why why) : why_{std::move(why)} {}

    Result<void, Message> open(const std::string& path);
    // Without one nothing can be put. It outlives the control.
    void add_put(PutSource& put) { put_.push_back(&put); }
    ControlSocket& socket() { return *socket_; }
    const ControlSocket& socket() const { return *socket_; }

    void request(std::uint64_t ticket, std::string_view line, MonotonicMs now) override;
    void answer(std::uint64_t ticket, const std::string& text) override;

 private:
    void put(std::uint64_t ticket, std::string_view line, MonotonicMs now);

    Why why_;
    std::vector<PutSource*> put_;
    std::unique_ptr<ControlSocket> socket_;
};

}  // namespace longhaul::agent
