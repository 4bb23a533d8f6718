#include "collector/writer/releases.hpp"

#include <algorithm>
#include <tuple>

#include "collector/lake/file_names.hpp"
#include "collector/lake/parquet_file.hpp"
#include "collector/writer/table_columns.hpp"

namespace longhaul::collector {
namespace {

constexpr std::size_t releases_max = 64;  // appended, and not yet read by the writer
constexpr std::size_t found_bytes_max = 8 << 20;

// Those of _quarantine that a release is made from, in this order.
std::vector<Column> columns_of_interest() {
    const std::vector<Column> all = quarantine_columns();
    std::vector<Column> columns;
    for (const std::size_t each :
         {quarantine_device, quarantine_reason, quarantine_receive_time, quarantine_content})
        columns.push_back(all[each]);
    return columns;
}

}  // namespace

bool Releases::Name::operator<(const Name& other) const {
    const auto key = [](const Name& name) {
        return std::tie(name.tenant, name.device, name.block.incarnation.value,
                        name.block.epoch.value, name.block.seq.value);
    };
    return key(*this) < key(other);
}

Status Releases::step(WallUs now) {
    std::erase_if(models_, [this](const MissingModel& model) {
        return !writer_.missing_models().contains(model);
    });
    std::erase_if(blocks_, [this](const Name& name) {
        return !writer_.may_release(name.tenant, name.device, name.block);
    });
    LH_TRY(append_models(now));
    return append_releases();
}

Status Releases::append_models(WallUs now) {
    for (const MissingModel& missing : writer_.missing_models()) {
        if (models_.contains(missing)) continue;
        const auto model = ports_.find_model(missing.tenant, missing.hash);
        if (model == nullptr) continue;
        LH_TRY(ports_.append(missing.shard, {now, JournalKind::model, missing.tenant, {}, *model}));
        models_.insert(missing);
    }
    return {};
}

Status Releases::append_releases() {
    if (writer_.releasable().empty()) {
        found_.clear();
        found_bytes_ = 0;
        wanted_.clear();
        tables_.clear();
        looked_into_.clear();
        return {};
    }
    const Status looked = found_.empty() ? look_for_blocks() : Status{};
    while (!found_.empty() && blocks_.size() < releases_max) {
        LH_TRY(append_release(found_.front()));
        found_bytes_ -= found_.front().content.size();
        found_.pop_front();
    }
    return looked;
}

// It has the time at which the block came, so that its rows say that, too.
Status Releases::append_release(const Quarantined& block) {
    const Name name{block.tenant, block.device, block.name};
    if (blocks_.contains(name) || !writer_.may_release(name.tenant, name.device, name.block))
        return {};
    const auto first = writer_.releasable().lower_bound({name.tenant, name.device, 0, {}});
    LH_TRY(ports_.append(first->shard, {block.received, JournalKind::release, block.tenant,
                                        block.device, block.content}));
    blocks_.insert(name);
    return {};
}

// A table that cannot be read for now holds up no other.
Status Releases::look_for_blocks() {
    const std::set<Releasable>& now = writer_.releasable();
    if (!std::includes(wanted_.begin(), wanted_.end(), now.begin(), now.end()))
        looked_into_.clear();
    wanted_ = now;
    Status first_error;
    std::string last;
    for (const Releasable& each : now) {
        if (each.tenant == last) continue;
        last = each.tenant;
        const Status done = look_into(each.tenant);
        if (first_error.ok()) first_error = done;
        if (found_bytes_ >= found_bytes_max) break;
    }
    return first_error;
}

// A file that is damaged is told of once; what it has stays in quarantine.
Status Releases::look_into(const std::string& tenant) {
    auto& table = tables_.try_emplace(tenant, lake_, tenant + "/_quarantine").first->second;
    LH_TRY(table.refresh());
    Status first_error;
    for (const auto& [path, file] : table.state().files) {
        const std::string name = tenant + "/" + path;
        if (looked_into_.contains(name)) continue;
        const auto content = table.read(file);
        Status read = content.ok() ? check_content(path, content.value()) : content.error();
        bool all = true;
        if (read.ok()) {
            const auto looked = look_into_file(tenant, content.value());
            if (!looked.ok()) read = looked.error();
            all = !looked.ok() || looked.value();
        }
        if (first_error.ok()) first_error = read;
        if (read.ok() ? all : read.error() == ErrorCode::corrupt) looked_into_.insert(name);
        if (!all) break;
    }
    return first_error;
}

Result<bool> Releases::look_into_file(const std::string& tenant, Bytes content) {
    LH_TRY_ASSIGN(const std::vector<ColumnData> columns,
                  read_columns(content, columns_of_interest()));
    for (std::size_t row = 0; row < columns[0].valid.size(); ++row) {
        if (!columns[1].text(row).starts_with(unknown_model)) continue;
        const Bytes block = as_bytes(columns[3].text(row));
        const auto header = parse_block_header(block);
        if (!header.ok()) continue;
        std::string device{columns[0].text(row)};
        const Name name{tenant, device, header.value().name};
        if (blocks_.contains(name) || !writer_.may_release(tenant, device, name.block)) continue;
        if (found_bytes_ >= found_bytes_max) return false;
        found_bytes_ += block.size();
        found_.push_back({tenant,
                          std::move(device),
                          name.block,
                          {columns[2].integers[row]},
                          {block.begin(), block.end()}});
    }
    return true;
}

}  // namespace longhaul::collector
