// All ports of the agent, for who writes them for another machine: copy this folder, and replace
// each body. What the core relies on is said here in short, in units and in errors; the whole
// contract is the header of the same name in agent/port.
//
// As it stands it is a device that has no network and forgets everything at power-off, and its
// samples count up. It says so: Link::last_error() is what `status().link_trouble` shows.
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "agent/port/clock.hpp"
#include "agent/port/entropy.hpp"
#include "agent/port/flash.hpp"
#include "agent/port/identity.hpp"
#include "agent/port/link.hpp"
#include "agent/port/source.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::agent::from_template {

// Flash. Offsets and lengths are bytes within a sector. Erased is 0xff, a program only clears bits,
// and what a sync() that returned ok has seen survives a power cut. Any error is believed, and the
// spool goes on beside the sector: return io for what the part reports, and wait for it no longer
// than its data sheet says. Nobody calls from two threads or from an interrupt.
class TemplateFlash final : public Flash {
 public:
    FlashGeometry geometry() const override { return {sector_bytes, sectors, 1}; }
    Status read(std::uint32_t sector, std::uint32_t offset, MutableBytes room) override {
        std::copy_n(at(sector, offset), room.size(), room.data());
        return {};
    }
    Status program(std::uint32_t sector, std::uint32_t offset, Bytes bytes) override {
        std::byte* to = at(sector, offset);
        for (const std::byte each : bytes) *to++ &= each;
        return {};
    }
    Status erase(std::uint32_t sector) override {
        std::fill_n(at(sector, 0), sector_bytes, std::byte{0xff});
        return {};
    }
    Status sync() override { return {}; }

 private:
    static constexpr std::uint32_t sector_bytes = 4096, sectors = 32;
    std::byte* at(std::uint32_t sector, std::uint32_t offset) {
        return memory_.data() + sector * sector_bytes + offset;
    }
    std::array<std::byte, std::size_t{sector_bytes} * sectors> memory_{};
};

// Link. A byte stream: no call waits, bytes arrive in order and once, or the link closes. write()
// and read() say how many bytes they took or gave, 0 when it cannot be now; an error only when the
// link has closed. last_error() is a text that stays. TLS goes between this and the agent:
// agent/tls/tls_link.hpp is itself a link over a link.
class TemplateLink final : public Link {
 public:
    Status open(MonotonicMs /*now*/) override { return Error{ErrorCode::unreachable, no_network}; }
    LinkState poll(MonotonicMs /*now*/) override { return LinkState::closed; }
    Result<std::size_t> write(Bytes /*bytes*/) override { return ErrorCode::closed; }
    Result<std::size_t> read(MutableBytes /*room*/) override { return ErrorCode::closed; }
    void close() override {}
    const char* last_error() const override { return no_network; }

 private:
    static constexpr const char* no_network = "this port has no network yet";
};

// Entropy. Every byte that fill() returns ok for is random. A hardware generator goes behind
// mbedTLS (agent/platform/cortexm/entropy.cpp shows how); one that fails returns an error, and the
// agent tries again: it never goes on with what was left in the room.
class TemplateEntropy final : public Entropy {
 public:
    Status fill(MutableBytes room) override { return random_bytes(room); }
};

// Identity. sign() is ECDSA on P-256 over SHA-256 of the message, raw r and s, 64 bytes; a secure
// element can do it. certificate() is the DER of its key, device_secret() 16 bytes or more that no
// other device has and that never leave. Both stay as they are while the agent lives.
class TemplateIdentity final : public Identity {
 public:
    // Of a device that `longhaul device add` made; the bytes outlive it.
    TemplateIdentity(const PrivateKey& key, Bytes certificate, Bytes secret)
        : key_{key}, certificate_{certificate}, secret_{secret} {}
    Result<Signature> sign(Bytes message) override { return longhaul::sign(key_, message); }
    Bytes certificate() const override { return certificate_; }
    Bytes device_secret() const override { return secret_; }

 private:
    PrivateKey key_;
    Bytes certificate_;
    Bytes secret_;
};

// WallClock. The date in microseconds of UTC, or that there is none: then the collector's is used
// from the first session on. `synchronized` only when NTP or GNSS has set it in this boot, and with
// a bound of its error.
class TemplateClock final : public WallClock {
 public:
    WallReading read() override { return {}; }
};

// Source. streams() never changes; next() gives each sample once, and it stays as it is until the
// next call. `now` and next_at() are milliseconds since the device began, which never step back; a
// sample's time is in microseconds of the same clock where its schema has device time.
class TemplateSource final : public Source {
 public:
    static constexpr std::int64_t period_ms = 1000;

    TemplateSource();
    std::span<const StreamInfo> streams() const override { return streams_; }
    const Sample* next(MonotonicMs now) override;
    MonotonicMs next_at() const override { return due_; }

 private:
    std::array<std::byte, 256> encoded_;
    std::array<StreamInfo, 1> streams_;
    std::array<Value, 1> values_;
    Sample sample_;
    MonotonicMs due_;
    std::int64_t counted_ = 0;
};

}  // namespace longhaul::agent::from_template
