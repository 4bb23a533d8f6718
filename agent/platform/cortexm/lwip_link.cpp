#include "agent/platform/cortexm/lwip_link.hpp"

#include <lwip/dhcp.h>
#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include <algorithm>
#include <utility>

#include "agent/platform/cortexm/board.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::agent {
namespace {

netif interface;

err_t begin_interface(netif* made) {
    return board::begin_ethernet(*made) ? err_t{ERR_OK} : err_t{ERR_IF};
}

const char* words_for(err_t error) {
    switch (error) {
        case ERR_RST:
            return "the connection was refused or reset";
        case ERR_ABRT:
            return "the other side does not answer";
        case ERR_RTE:
            return "no route to the collector";
        default:
            return "the network reported an error";
    }
}

}  // namespace

bool begin_network() {
    lwip_init();
    if (netif_add(&interface, nullptr, nullptr, nullptr, nullptr, begin_interface,
                  ethernet_input) == nullptr)
        return false;
    netif_set_default(&interface);
    netif_set_up(&interface);
    return dhcp_start(&interface) == ERR_OK;
}

void poll_network() {
    board::poll_ethernet(interface);
    sys_check_timeouts();
}

bool has_address() { return dhcp_supplied_address(&interface) != 0; }

struct LwipLink::Callbacks {
    static err_t connected(void* link, tcp_pcb*, err_t) {
        auto& own = *static_cast<LwipLink*>(link);
        own.state_ = LinkState::open;
        own.stirred_ = true;
        return ERR_OK;
    }
    static err_t received(void* link, tcp_pcb*, pbuf* bytes, err_t) {
        auto& own = *static_cast<LwipLink*>(link);
        own.stirred_ = true;
        if (bytes == nullptr)
            own.ended_ = true;
        else if (own.received_ == nullptr)
            own.received_ = bytes;
        else
            pbuf_cat(own.received_, bytes);
        return ERR_OK;
    }
    static err_t sent(void* link, tcp_pcb*, u16_t) {
        static_cast<LwipLink*>(link)->stirred_ = true;
        return ERR_OK;
    }
    // lwIP has freed the connection already.
    static void failed(void* link, err_t error) {
        auto& own = *static_cast<LwipLink*>(link);
        own.stirred_ = true;
        own.connection_ = nullptr;
        own.state_ = LinkState::closed;
        own.error_ = words_for(error);
    }
};

Status LwipLink::open(MonotonicMs /*now*/) {
    close();
    error_ = "";
    if (netif_is_link_up(&interface) == 0) {
        error_ = "the network cable is out";
        return Error{ErrorCode::unreachable, error_};
    }
    if (!has_address()) {
        error_ = "no address from DHCP yet";
        return Error{ErrorCode::unreachable, error_};
    }
    // What the one before still had to send comes again from the spool; its memory is wanted now.
    while (tcp_active_pcbs != nullptr) tcp_abort(tcp_active_pcbs);
    connection_ = tcp_new();
    if (connection_ == nullptr) {
        error_ = "no memory for a connection";
        return Error{ErrorCode::io, error_};
    }
    tcp_arg(connection_, this);
    tcp_recv(connection_, Callbacks::received);
    tcp_sent(connection_, Callbacks::sent);
    tcp_err(connection_, Callbacks::failed);
    tcp_nagle_disable(connection_);
    ip_addr_t to;
    IP_ADDR4(&to, address_[0], address_[1], address_[2], address_[3]);
    state_ = LinkState::opening;
    const err_t error = tcp_connect(connection_, &to, port_, Callbacks::connected);
    if (error == ERR_OK) return {};
    close();
    error_ = words_for(error);
    return Error{ErrorCode::unreachable, error_};
}

LinkState LwipLink::poll(MonotonicMs /*now*/) {
    if (state_ != LinkState::closed && netif_is_link_up(&interface) == 0) {
        close();
        error_ = "the network cable is out";
    }
    return state_;
}

Result<std::size_t> LwipLink::write(Bytes bytes) {
    if (state_ != LinkState::open) return ErrorCode::closed;
    const std::size_t room = tcp_sndbuf(connection_);
    const auto count = static_cast<u16_t>(std::min(bytes.size(), room));
    if (count == 0) return std::size_t{0};
    const err_t error = tcp_write(connection_, bytes.data(), count, TCP_WRITE_FLAG_COPY);
    if (error == ERR_MEM) {
        static_cast<void>(tcp_output(connection_));
        return std::size_t{0};
    }
    if (error != ERR_OK) {
        error_ = words_for(error);
        close();
        return ErrorCode::closed;
    }
    static_cast<void>(tcp_output(connection_));
    return std::size_t{count};
}

Result<std::size_t> LwipLink::read(MutableBytes room) {
    if (received_ == nullptr) {
        if (state_ != LinkState::open) return ErrorCode::closed;
        if (!ended_) return std::size_t{0};
        close();
        error_ = "the collector closed the connection";
        return Error{ErrorCode::closed, error_};
    }
    const u16_t count = pbuf_copy_partial(received_, room.data(), static_cast<u16_t>(room.size()),
                                          static_cast<u16_t>(taken_));
    taken_ += count;
    while (received_ != nullptr && taken_ >= received_->len) {
        pbuf* const first = received_;
        taken_ -= first->len;
        received_ = first->next;
        if (received_ != nullptr) pbuf_ref(received_);
        pbuf_free(first);
    }
    if (connection_ != nullptr) tcp_recved(connection_, count);
    return std::size_t{count};
}

void LwipLink::close() {
    if (connection_ != nullptr) {
        tcp_pcb* const old = std::exchange(connection_, nullptr);
        tcp_arg(old, nullptr);
        tcp_recv(old, nullptr);
        tcp_sent(old, nullptr);
        tcp_err(old, nullptr);
        if (state_ != LinkState::open || tcp_close(old) != ERR_OK) tcp_abort(old);
    }
    if (received_ != nullptr) pbuf_free(std::exchange(received_, nullptr));
    taken_ = 0;
    ended_ = false;
    state_ = LinkState::closed;
}

}  // namespace longhaul::agent

extern "C" {
u32_t sys_now() { return static_cast<u32_t>(longhaul::agent::board::now().value); }
// Ports and sequence numbers of connections, ids of DHCP.
unsigned lh_network_random() {
    unsigned number = longhaul::agent::board::noise();
    static_cast<void>(longhaul::random_bytes(std::as_writable_bytes(std::span{&number, 1})));
    return number;
}
}
