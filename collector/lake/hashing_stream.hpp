// Arrow's output stream over an object on its way; hashes what passes. Arrow writes many small
// pieces, which are gathered here.
#pragma once

#include <arrow/io/api.h>
#include <psa/crypto.h>

#include <vector>

#include "collector/lake/object_store.hpp"
#include "common/block/crypto.hpp"

namespace longhaul::collector {

class HashingStream final : public arrow::io::OutputStream {
 public:
    explicit HashingStream(ObjectWriter& out) : out_{out} {
        LH_CHECK(psa_hash_setup(&hash_, PSA_ALG_SHA_256) == PSA_SUCCESS);
    }
    ~HashingStream() override { psa_hash_abort(&hash_); }

    arrow::Status Write(const void* data, std::int64_t count) override {
        const Bytes bytes{static_cast<const std::byte*>(data), static_cast<std::size_t>(count)};
        position_ += count;
        if (gathered_.size() + bytes.size() > gathered_bytes_max) ARROW_RETURN_NOT_OK(pass_on());
        if (bytes.size() > gathered_bytes_max) return pass_on(bytes);
        gathered_.insert(gathered_.end(), bytes.begin(), bytes.end());
        return arrow::Status::OK();
    }
    arrow::Status Flush() override { return pass_on(); }
    arrow::Result<std::int64_t> Tell() const override { return position_; }
    arrow::Status Close() override {
        closed_ = true;
        return pass_on();
    }
    bool closed() const override { return closed_; }

    const Status& status() const { return status_; }
    Sha256 finish() {
        Sha256 content{};
        std::size_t length = 0;
        psa_hash_finish(&hash_, reinterpret_cast<std::uint8_t*>(content.data()), content.size(),
                        &length);
        return content;
    }

 private:
    static constexpr std::size_t gathered_bytes_max = 256 * 1024;

    arrow::Status pass_on() {
        const arrow::Status passed = gathered_.empty() ? arrow::Status::OK() : pass_on(gathered_);
        gathered_.clear();
        return passed;
    }
    arrow::Status pass_on(Bytes bytes) {
        psa_hash_update(&hash_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
        status_ = out_.append(bytes);
        return status_.ok() ? arrow::Status::OK()
                            : arrow::Status::IOError(to_string(status_.error()));
    }

    ObjectWriter& out_;
    psa_hash_operation_t hash_ = PSA_HASH_OPERATION_INIT;
    std::vector<std::byte> gathered_;
    std::int64_t position_ = 0;
    Status status_;
    bool closed_ = false;
};

}  // namespace longhaul::collector
