#include "tools/longhaul/inspect.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>

#include "collector/registry/certificate.hpp"
#include "common/block/block.hpp"
#include "common/block/epoch.hpp"
#include "common/host/files.hpp"
#include "tools/longhaul/text.hpp"
#include "tools/longhaul/trail_command.hpp"

namespace longhaul::tools {
namespace {

Message about(const std::string& path, const Error& error) {
    return {path + ": " + to_string(error)};
}

// Of a longhaul_BootCause, or of one that a later version knows.
const char* name_of_cause(std::uint32_t cause) {
    switch (cause) {
        case longhaul_BootCause_BOOT_CAUSE_POWER_ON:
            return "power_on";
        case longhaul_BootCause_BOOT_CAUSE_RESET:
            return "reset";
        case longhaul_BootCause_BOOT_CAUSE_WATCHDOG:
            return "watchdog";
        case longhaul_BootCause_BOOT_CAUSE_BROWN_OUT:
            return "brown_out";
        case longhaul_BootCause_BOOT_CAUSE_UPDATE:
            return "update";
        case longhaul_BootCause_BOOT_CAUSE_PROCESS_START:
            return "process_start";
        default:
            return "unknown";
    }
}

boost::json::array streams_of(const longhaul_EpochRecord& record) {
    boost::json::array streams;
    for (pb_size_t i = 0; i < record.streams_count; ++i) {
        const auto& entry = record.streams[i];
        boost::json::object stream{
            {"index", entry.index},
            {"name", entry.name},
            {"class", longhaul::name_of(static_cast<BlockClass>(entry.block_class & 3))},
            {"schema", hex(std::as_bytes(std::span{entry.schema_hash}))}};
        if (entry.model.size != 0)
            stream["model"] = hex(std::as_bytes(std::span{entry.model.bytes}));
        streams.push_back(std::move(stream));
    }
    return streams;
}

Result<BlockKey, Message> block_key(const InspectOptions& options) {
    LH_TRY_ASSIGN(const auto pem, read_private_file(options.key));
    const auto key = collector::private_key_of(as_text(pem));
    if (!key.ok()) return about(options.key, key.error());
    LH_TRY_ASSIGN(const auto bytes, read_file(options.epoch));
    const auto parsed = parse_signed_epoch(bytes);
    if (!parsed.ok()) return about(options.epoch, parsed.error());
    longhaul_EpochRecord record;
    if (const Status read = parse_epoch_record(parsed.value().record, record); !read.ok()) {
        return about(options.epoch, read.error());
    }
    const auto opened = unwrap_block_key(key.value(), record);
    if (!opened.ok()) return about(options.epoch, opened.error());
    return opened.value();
}

// Of a key that lies in a collector's folder; a copy elsewhere leaves no trace. Written down first,
// so that nothing is opened that is not.
Result<void, Message> note_use(const InspectOptions& options) {
    const std::filesystem::path key = std::filesystem::absolute(options.key);
    const std::string registry = key.parent_path().parent_path() / "registry.db";
    LH_TRY_ASSIGN(const bool there, is_there(registry));
    if (!there) return {};
    return collector::AuditTrail{collector::AuditTrail::folder_beside(registry)}.append(
        {fact("", "key_used", key.stem().string(), "to inspect " + options.path, options.now)});
}

// Sections name streams by index; what they are called and how they are coded is in the epoch and
// its schemas.
Result<void, Message> print_sections(const InspectOptions& options, Bytes sealed) {
    LH_TRY_ASSIGN(const BlockKey key, block_key(options));
    std::vector<std::byte> room(block_bytes_max);
    const auto body = open_block(key, sealed, room);
    if (!body.ok()) return about(options.path, body.error());
    SectionReader sections{body.value()};
    while (!sections.at_end()) {
        const auto section = sections.next();
        if (!section.ok()) return about(options.path, section.error());
        print_item({{"stream", section.value().stream},
                    {"codec", section.value().codec},
                    {"samples", section.value().count},
                    {"bytes", section.value().content.size()}},
                   options);
    }
    return {};
}

// A text that may go to a terminal as it is. Others, which a device may have chosen to move the
// cursor or forge lines, are shown quoted.
bool is_harmless(const boost::json::value& value) {
    if (!value.is_string()) return false;
    const std::string_view text{value.as_string()};
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

}  // namespace

Result<void, Message> inspect(const InspectOptions& options) {
    switch (options.kind) {
        case InspectKind::block:
            return inspect_block(options);
        case InspectKind::epoch:
            return inspect_epoch(options);
        case InspectKind::journal:
            return inspect_journal(options);
    }
    return {};
}

void print_item(const boost::json::object& item, const InspectOptions& options) {
    if (options.json) {
        std::printf("%s\n", boost::json::serialize(item).c_str());
        return;
    }
    std::string line;
    for (const auto& field : item) {
        line += (line.empty() ? "" : "  ") + std::string{field.key()} + " ";
        line += is_harmless(field.value()) ? std::string{field.value().as_string()}
                                           : boost::json::serialize(field.value());
    }
    std::printf("%s\n", line.c_str());
}

Result<boost::json::object, Message> describe_block(Bytes sealed) {
    const auto header = parse_block_header(sealed);
    if (!header.ok()) return Message{to_string(header.error())};
    const BlockName& name = header.value().name;
    return boost::json::object{{"incarnation", incarnation_text(name.incarnation)},
                               {"epoch", name.epoch.value},
                               {"class", longhaul::name_of(name.seq.block_class())},
                               {"number", name.seq.number()},
                               {"samples", header.value().samples},
                               {"bytes", sealed.size()}};
}

Result<boost::json::object, Message> describe_epoch(Bytes signed_epoch) {
    longhaul_EpochRecord record;
    const auto parsed = parse_signed_epoch(signed_epoch);
    if (!parsed.ok()) return Message{to_string(parsed.error())};
    if (const Status read = parse_epoch_record(parsed.value().record, record); !read.ok()) {
        return Message{to_string(read.error())};
    }
    boost::json::object item{{"environment", record.environment},
                             {"tenant", record.tenant},
                             {"device", record.device},
                             {"incarnation", incarnation_text({record.incarnation})},
                             {"epoch", record.epoch},
                             {"previous_epoch", record.previous_epoch},
                             {"boot_cause", name_of_cause(record.boot_cause)},
                             {"last_words", record.last_words},
                             {"firmware", record.firmware},
                             {"sealing_key", hex(std::as_bytes(std::span{record.sealing_key_id}))},
                             {"streams", streams_of(record)}};
    return item;
}

Result<void, Message> inspect_block(const InspectOptions& options) {
    LH_TRY_ASSIGN(const auto sealed, read_file(options.path));
    const auto item = describe_block(sealed);
    if (!item.ok()) return Message{options.path + ": " + item.error().text};
    print_item(item.value(), options);
    if (options.key.empty()) return {};
    if (options.epoch.empty())
        return Message{"--key needs --epoch: the block's key is wrapped in its epoch record"};
    LH_TRY(note_use(options));
    return print_sections(options, sealed);
}

Result<void, Message> inspect_epoch(const InspectOptions& options) {
    LH_TRY_ASSIGN(const auto bytes, read_file(options.path));
    const auto item = describe_epoch(bytes);
    if (!item.ok()) return Message{options.path + ": " + item.error().text};
    print_item(item.value(), options);
    return {};
}

}  // namespace longhaul::tools
