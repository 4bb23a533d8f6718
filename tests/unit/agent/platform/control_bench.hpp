// A control socket with streams to put, and programs that speak to it; the test plays the agent.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch_test_macros.hpp>

#include "agent/platform/linux/device_control.hpp"
#include "agent/sources/field_config.hpp"
#include "tests/support/temporary_folder.hpp"

namespace longhaul::test {

using namespace longhaul::agent;

inline PutConfig stream_of(const std::string& name, BlockClass block_class = BlockClass::normal) {
    Field field;
    field.name = "a";
    field.kind = FieldKind::integer;
    Schema schema;
    schema.name = "probe";
    schema.fields = {&field, 1};
    schema.default_class = block_class;
    auto owned = own_schema(schema);
    REQUIRE(owned.ok());
    return {name, owned.value()};
}

// A device's control socket with the streams "one" and "two"; the test plays the agent.
class ControlBench {
 public:
    ControlBench() : control{[](bool json, MonotonicMs) { return json ? "{}" : "all is well"; }} {
        REQUIRE(control.open(path()).ok());
        control.add_put(put);
    }
    std::string path() const { return folder_ / "agent.sock"; }
    void pump(MonotonicMs now = {1000}) {
        control.socket().pump(now);
        put.pump(now);
    }

    DeviceControl control;
    PutSource put{{stream_of("one"), stream_of("two")}, control};

 private:
    TemporaryFolder folder_;
};

class Program {
 public:
    explicit Program(ControlBench& bench) : bench_{bench} {
        auto socket = connect_unix(bench.path());
        REQUIRE(socket.ok());
        socket_ = std::move(socket).value();
    }
    void say(std::string_view text) {
        REQUIRE(::send(socket_.number(), text.data(), text.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(text.size()));
        bench_.pump();
    }
    // All that has come; "<end>" when the agent has closed.
    std::string hear() {
        std::string heard;
        char room[65536];
        for (;;) {
            const ssize_t count = ::recv(socket_.number(), room, sizeof(room), MSG_DONTWAIT);
            if (count == 0) return heard + "<end>";
            if (count < 0) return heard;
            heard.append(room, static_cast<std::size_t>(count));
        }
    }
    void finish() {
        REQUIRE(::shutdown(socket_.number(), SHUT_WR) == 0);
        bench_.pump();
    }

 private:
    ControlBench& bench_;
    Descriptor socket_;
};

}  // namespace longhaul::test
