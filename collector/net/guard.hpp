// Keeps a running collector in step with its registry: whoever loses the right to be connected
// loses the connection, alone or with the authority of the certificate; tenants get the limits that
// they have now, and the keys of tickets rotate.
//
// It looks every ten seconds; a revocation takes effect everywhere within a minute, as long as the
// registry can be read. A session also ends when the certificate that it began with does.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>

#include "collector/net/listener.hpp"
#include "collector/registry/registry_changes.hpp"

namespace longhaul::collector {

class Guard {
 public:
    static constexpr std::int64_t look_interval_ms = 10'000;

    // All of them outlive the guard. `registry` names the file.
    Guard(const std::string& registry, Gateway& gateway, Listener& listener)
        : path_{registry}, gateway_{gateway}, listener_{listener}, pause_{listener.executor()} {}

    // Until finish() was called. Belongs to the network's thread like everything here.
    boost::asio::awaitable<void> run();
    void finish();
    // What run() does again and again.
    void look(WallUs now);
    // The entrance was replaced, perhaps the registry's file, too: everybody is judged anew.
    void look_at_everybody(WallUs now);

 private:
    Status look_at_keys(WallUs now);
    Status look_at_changes();
    Status look_at_limits(WallUs now);
    void end_expired(WallUs now);

    std::string path_;
    Gateway& gateway_;
    Listener& listener_;
    Wakeup pause_;
    std::unique_ptr<TicketKeys> keys_;
    std::unique_ptr<RegistryChanges> changes_;
    bool finishing_ = false;
    bool failing_ = false;
    bool everybody_ = true;  // are to be judged, whatever has changed
};

}  // namespace longhaul::collector
