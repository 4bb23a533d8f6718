// A spool written out as the device's half of a session.
#include <algorithm>
#include <set>

#include "agent/core/settings.hpp"
#include "agent/platform/linux/spool_survey.hpp"
#include "common/block/epoch.hpp"
#include "common/wire/frame.hpp"

namespace longhaul::agent {
namespace {

class Exporter {
 public:
    Exporter(Spool& spool, const TakeBytes& take)
        : spool_{spool}, take_{take}, room_(frame_bytes_max), frame_(frame_bytes_max) {}

    Result<ExportCount, Message> run() {
        LH_TRY(hello());
        for (std::size_t i = 0; i < block_class_count; ++i)
            LH_TRY(blocks(static_cast<BlockClass>(i)));
        longhaul_Bye bye = longhaul_Bye_init_zero;
        bye.reason = longhaul_ByeReason_BYE_REASON_DONE;
        ByteWriter out{frame_};
        LH_CHECK(write_bye(FrameType::bye, bye, out).ok());
        LH_TRY(take_(out.written()));
        return count_;
    }

 private:
    Result<void, Message> hello() {
        longhaul_Hello hello = longhaul_Hello_init_zero;
        const auto depth = spool_.depth();
        if (!depth.ok()) return Message{to_string(depth.error())};
        hello.protocol = protocol_version;
        hello.incarnation = spool_.incarnation().value;
        hello.oldest_epoch = depth.value().oldest_epoch.value;
        hello.newest_epoch = depth.value().newest_epoch.value;
        hello.epochs = depth.value().epochs;
        hello.waiting_count = static_cast<pb_size_t>(depth.value().waiting.size());
        std::copy(depth.value().waiting.begin(), depth.value().waiting.end(), hello.waiting);
        ByteWriter out{frame_};
        LH_CHECK(write_message(hello, out).ok());
        return take_(out.written());
    }

    Result<void, Message> blocks(BlockClass block_class) {
        BlockPlace at;
        for (;;) {
            const auto block =
                spool_.next(block_class, at.epoch, BlockSeq::of(block_class, at.number), room_);
            if (!block.ok() && block.error() == ErrorCode::not_found) return {};
            if (!block.ok()) return Message{to_string(block.error())};
            at = place_of(block.value().tag.name);
            const Bytes sealed = block.value().sealed;
            // The record is read into a room of its own, so the block stays.
            if (introduced_.insert(at.epoch).second) LH_TRY(introduce(at.epoch));
            LH_TRY(put(FrameType::block, sealed));
            ++count_.blocks;
        }
    }

    // The schemas of an epoch, each once in the file, then its record.
    Result<void, Message> introduce(Epoch epoch) {
        std::array<SchemaHash, streams_of_sources_max> hashes;
        const auto known = spool_.epoch_schemas(epoch, hashes);
        if (!known.ok()) return missing(epoch, known.error());
        std::vector<std::byte> room(std::max(limits::schema_bytes_max, signed_epoch_bytes_max));
        for (const SchemaHash& hash : std::span{hashes}.first(known.value())) {
            if (!schemas_.insert(hash).second) continue;
            const auto schema = spool_.read_schema(hash, room);
            if (!schema.ok()) return missing(epoch, schema.error());
            LH_TRY(put(FrameType::schema, schema.value()));
            ++count_.schemas;
        }
        const auto record = spool_.read_epoch(epoch, room);
        if (!record.ok()) return missing(epoch, record.error());
        ++count_.epochs;
        return put(FrameType::epoch, record.value());
    }

    Result<void, Message> put(FrameType type, Bytes body) {
        ByteWriter out{frame_};
        write_frame(type, body, out);
        LH_CHECK(out.ok());
        count_.bytes += out.written().size();
        return take_(out.written());
    }

    static Message missing(Epoch epoch, const Error& error) {
        return {"what belongs to epoch " + std::to_string(epoch.value) +
                " cannot be read: " + to_string(error)};
    }

    Spool& spool_;
    const TakeBytes& take_;
    std::vector<std::byte> room_;
    std::vector<std::byte> frame_;
    std::set<SchemaHash> schemas_;
    std::set<Epoch> introduced_;
    ExportCount count_;
};

}  // namespace

Result<ExportCount, Message> export_spool(Spool& spool, bool all, const TakeBytes& take) {
    if (all) {
        if (const Status voided = spool.void_durable(); !voided.ok())
            return Message{to_string(voided.error())};
    }
    return Exporter{spool, take}.run();
}

}  // namespace longhaul::agent
