#include "collector/lake/state_table.hpp"

#include "collector/lake/file_names.hpp"
#include "collector/lake/named_uuid.hpp"
#include "collector/lake/parquet_file.hpp"
#include "common/base/civil_time.hpp"

namespace longhaul::collector {

bool is_state_table(std::string_view folder) {
    return folder.ends_with("/_devices") || folder.ends_with("/_gaps");
}

Status replace_rows(ObjectStore& store, DeltaTable& table, const Batch& batch,
                    const std::string& description, WallUs now) {
    TableCommit commit;
    for (const auto& [path, file] : table.state().files) commit.removed.push_back(path);
    if (batch.rows() == 0 && commit.removed.empty()) return {};
    commit.columns = batch.columns();
    commit.table_id_if_new = named_uuid(table.folder());
    commit.description_if_new = description;
    commit.now = now;
    std::string name = table.folder() + " " + std::to_string(now.value);
    if (batch.rows() != 0) {
        LH_TRY_ASSIGN(const auto object, store.begin());
        LH_TRY_ASSIGN(WrittenFile written, write_parquet(batch, batch.arrival_order(), *object));
        DataFile file = data_file(date_text(now), state_stem, std::move(written));
        name += " " + file.path;
        LH_TRY(object->finish(table.folder() + "/" + file.path));
        commit.files = {std::move(file)};
    }
    commit.commit_id = named_uuid(name);
    return table.commit(commit);
}

}  // namespace longhaul::collector
