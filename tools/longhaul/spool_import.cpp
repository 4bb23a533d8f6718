#include "tools/longhaul/spool_import.hpp"

#include <algorithm>

namespace longhaul::tools {

using collector::Certificate;
using collector::DeviceName;
using collector::DeviceState;
using collector::JournalEntry;
using collector::JournalKind;
using collector::SessionAction;
using collector::Tenant;

namespace {

constexpr std::size_t group_bytes = 1 << 20;  // synced together
constexpr std::uint64_t no_credit_limit = std::uint64_t{1} << 48;

// The end of a block's authentication tag: equal for equal content.
std::uint64_t content_tag(Bytes sealed) {
    return ByteReader{sealed.last(sizeof(std::uint64_t))}.u64();
}

bool issued_by_one_of(const Certificate& certificate, const std::vector<Certificate>& authorities) {
    return std::any_of(authorities.begin(), authorities.end(), [&](const Certificate& authority) {
        return certificate.issued_by(authority).ok();
    });
}

// As a connection is judged: older authorities count, those that were cut off do not, and one that
// enrols counts with the one above it.
std::vector<Certificate> accepted_authorities(const Tenant& tenant) {
    std::vector<Certificate> accepted;
    const auto add = [&accepted](const std::string& pem, bool below) {
        auto certificate = Certificate::parse(as_bytes(pem));
        if (!certificate.ok()) return;
        if (below && !issued_by_one_of(certificate.value(), accepted)) return;
        accepted.push_back(std::move(certificate).value());
    };
    add(tenant.authority_pem, false);
    for (const std::string& pem : tenant.older_pem) add(pem, false);
    for (const std::string& pem : tenant.enrolment_pem) add(pem, true);
    return accepted;
}

// Why this device may not hand in anything; empty: it may, and `owner` is complete.
std::string objection(const SignedEpoch& epoch, const std::string& environment,
                      const std::vector<Tenant>& tenants, collector::Registry& registry,
                      SpoolOwner& owner) {
    const DeviceName& name = owner.device;
    const std::string who = "device \"" + name.device + "\" of tenant \"" + name.tenant + "\" ";
    if (name.environment != environment)
        return who + "belongs to environment \"" + name.environment + "\", this is \"" +
               environment + "\"";
    const auto tenant = std::find_if(tenants.begin(), tenants.end(),
                                     [&](const Tenant& each) { return each.name == name.tenant; });
    if (tenant == tenants.end()) return "tenant \"" + name.tenant + "\" is not registered";
    owner.authorities = accepted_authorities(*tenant);
    if (const Status signed_by = verify_signed_epoch(epoch, name, owner.authorities);
        !signed_by.ok())
        return who +
               "has not signed it, or not with a certificate of an authority that is "
               "accepted: " +
               to_string(signed_by.error());
    const auto state = registry.find(name.tenant, name.device);
    if (!state.ok()) return "registry: " + to_string(state.error());
    if (state.value() == DeviceState::revoked) return who + "is revoked";
    return state.value() == DeviceState::allowed ? "" : who + "is not registered";
}

}  // namespace

void ImportReport::add_fault(std::uint64_t at, std::string text) {
    ++fault_count;
    if (faults.size() < faults_max) faults.push_back({at, std::move(text)});
}

// The first record that stands the test says it: one that was damaged is not the device's fault.
Result<std::optional<SpoolOwner>, ImportRefusal> find_owner(const std::string& path,
                                                            const std::string& environment,
                                                            collector::Registry& registry) {
    auto file = SpoolFile::open(path);
    if (!file.ok()) return ImportRefusal{{}, file.error().text};
    const auto tenants = registry.tenants();
    if (!tenants.ok()) return ImportRefusal{{}, "registry: " + to_string(tenants.error())};
    std::optional<ImportRefusal> first;
    bool any = false;
    for (;;) {
        const auto frame = file.value()->next();
        if (!frame.ok()) break;
        any = any || frame.value().type == FrameType::hello;
        if (frame.value().type != FrameType::epoch) continue;
        SpoolOwner owner;
        const auto epoch = parse_signed_epoch(frame.value().body);
        if (!epoch.ok()) continue;
        const auto certificate = Certificate::parse_der(epoch.value().certificate);
        if (!certificate.ok()) continue;
        auto name = certificate.value().device_name();
        if (!name.ok()) continue;
        owner.device = std::move(name).value();
        const std::string text =
            objection(epoch.value(), environment, tenants.value(), registry, owner);
        if (text.empty()) return std::optional{std::move(owner)};
        if (!first) first = ImportRefusal{owner.device, text, true};
    }
    if (first) return *first;
    if (!any) return ImportRefusal{{}, path + ": is no exported spool"};
    return std::optional<SpoolOwner>{};
}

SpoolImport::SpoolImport(collector::Journal& journal, const SpoolOwner& owner,
                         const collector::KeyRing& keys)
    : journal_{journal},
      owner_{owner},
      keys_{keys},
      shard_{journal.shard_of(owner.device.tenant, owner.device.device)},
      room_(block_bytes_max) {}

Result<void, Message> SpoolImport::look_into_journal() {
    const auto note = [this](const collector::ReadEntry& read) {
        const JournalEntry& entry = read.entry;
        if (entry.kind != JournalKind::block || entry.tenant != owner_.device.tenant ||
            entry.device != owner_.device.device)
            return;
        const auto header = parse_block_header(entry.body);
        if (!header.ok()) return;
        const BlockName& name = header.value().name;
        blocks_.try_emplace({name.incarnation.value, name.epoch.value, name.seq.value},
                            content_tag(entry.body));
    };
    if (const Status loaded = known_.load(journal_, note); !loaded.ok())
        return Message{"the journal cannot be read: " + to_string(loaded.error())};
    return {};
}

Result<void, Message> SpoolImport::run(SpoolFile& file, WallUs now, ImportReport& report) {
    now_ = now;
    report.device = owner_.device;
    collector::SessionSettings settings;
    settings.journal = journal_.id();
    settings.shard = shard_;
    settings.sealing_keys = std::make_shared<const std::vector<SealingKeyId>>(keys_.ids());
    settings.credit_bytes = no_credit_limit;
    session_.emplace(owner_.device, settings, known_, owner_.authorities, MonotonicMs{});
    while (!closed_) {
        const auto frame = file.next();
        if (frame.ok()) {
            LH_TRY(take(frame.value(), file.at(), report));
            continue;
        }
        if (frame.error().code == ErrorCode::not_found) {
            if (!report.whole) report.add_fault(file.at(), "the file ends without a Bye");
        } else {
            report.add_fault(file.at(), frame.error().code == ErrorCode::truncated
                                            ? "the file ends in the middle of a frame"
                                            : "here is no frame (" + to_string(frame.error()) +
                                                  "), nothing from here on can be told apart");
        }
        break;
    }
    return make_durable(report);
}

Result<void, Message> SpoolImport::take(const Frame& frame, std::uint64_t at,
                                        ImportReport& report) {
    if (auto fault = fault_of(frame, report)) {
        report.add_fault(at, *std::move(fault));
        return {};
    }
    report.whole = frame.type == FrameType::bye;
    if (report.whole) return {};  // the session would end without waiting for what is not durable
    std::vector<std::byte> bytes(frame_header_bytes + frame.body.size());
    ByteWriter out{bytes};
    write_frame(frame.type, frame.body, out);
    session_->on_bytes(bytes, now_, MonotonicMs{});
    LH_TRY(obey(at, report));
    return pending_bytes_ >= group_bytes ? make_durable(report) : Result<void, Message>{};
}

// What is wrong with a frame by itself. The rest is for the session to say.
std::optional<std::string> SpoolImport::fault_of(const Frame& frame, ImportReport& report) {
    switch (frame.type) {
        case FrameType::hello: {
            longhaul_Hello hello;
            if (parse_message(frame.body, hello).ok()) report.incarnation = {hello.incarnation};
            return std::nullopt;
        }
        case FrameType::epoch:
            return fault_of_epoch(frame.body);
        case FrameType::block:
            return fault_of_block(frame.body);
        case FrameType::schema:
        case FrameType::bye:
            return std::nullopt;
        default:
            return std::string{"a "} + name_of(frame.type) + " does not belong into a spool";
    }
}

std::optional<std::string> SpoolImport::fault_of_epoch(Bytes body) {
    longhaul_EpochRecord record;
    const auto epoch = parse_signed_epoch(body);
    Status good =
        epoch.ok() ? parse_epoch_record(epoch.value().record, record) : Status{epoch.error()};
    if (good.ok()) good = verify_signed_epoch(epoch.value(), owner_.device, owner_.authorities);
    if (!good.ok()) return "epoch record: " + to_string(good.error());
    SealingKeyId id;
    std::memcpy(id.data(), record.sealing_key_id, id.size());
    const PrivateKey* const key = keys_.find(id);
    if (key == nullptr) return std::nullopt;  // the session says so
    const auto block_key = keys_.unwrap(*key, record);
    if (!block_key.ok()) return "epoch record: its block key does not open";
    block_keys_[{record.incarnation, record.epoch}] = block_key.value();
    return std::nullopt;
}

std::optional<std::string> SpoolImport::fault_of_block(Bytes body) {
    const auto header = parse_block_header(body);
    if (!header.ok()) return "block: " + to_string(header.error());
    const BlockName& name = header.value().name;
    const std::string who = "block " + std::to_string(name.seq.number()) + " of class " +
                            std::to_string(static_cast<int>(name.seq.block_class())) + ", epoch " +
                            std::to_string(name.epoch.value);
    const auto key = block_keys_.find({name.incarnation.value, name.epoch.value});
    if (key == block_keys_.end()) return who + ": the record of its epoch is not in the file";
    if (!open_block(key->second, body, room_).ok()) return who + ": it does not open";
    return std::nullopt;
}

Result<void, Message> SpoolImport::obey(std::uint64_t at, ImportReport& report) {
    for (;;) {
        const SessionAction action = session_->next();
        switch (action.kind) {
            case SessionAction::Kind::submit:
                LH_TRY(submit(action, report));
                break;
            case SessionAction::Kind::write:
                break;  // nobody listens
            case SessionAction::Kind::close:
                report.add_fault(at, session_->end_reason() + "; nothing is taken from here on");
                closed_ = true;
                return {};
            case SessionAction::Kind::wait:
                return {};
        }
    }
}

Result<void, Message> SpoolImport::submit(const SessionAction& action, ImportReport& report) {
    const bool is_block = action.entry_kind == JournalKind::block;
    if (is_block) {
        const BlockName name = parse_block_header(action.bytes).value().name;
        const auto known = blocks_.find({name.incarnation.value, name.epoch.value, name.seq.value});
        // Another content under the same name is for the writer to judge.
        if (known != blocks_.end() && known->second == content_tag(action.bytes)) {
            ++report.known;
            return {};
        }
    }
    const JournalEntry entry{
        now_, action.entry_kind, owner_.device.tenant,
        is_of_tenant(action.entry_kind) ? std::string_view{} : owner_.device.device, action.bytes};
    const auto end = journal_.append(shard_, entry, MonotonicMs{});
    if (!end.ok()) return Message{"the journal takes nothing: " + to_string(end.error())};
    pending_bytes_ += action.bytes.size();
    pending_blocks_ += is_block ? 1 : 0;
    pending_block_bytes_ += is_block ? action.bytes.size() : 0;
    return {};
}

Result<void, Message> SpoolImport::make_durable(ImportReport& report) {
    if (const Status flushed = journal_.flush(); !flushed.ok())
        return Message{"the journal cannot be written: " + to_string(flushed.error())};
    report.blocks += std::exchange(pending_blocks_, 0);
    report.block_bytes += std::exchange(pending_block_bytes_, 0);
    pending_bytes_ = 0;
    session_->on_durable(session_->submissions());
    return {};
}

}  // namespace longhaul::tools
