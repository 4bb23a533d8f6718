// Which columns a table has: the fixed ones of every data table, those of a schema, and the system
// tables. Specification: docs/spec/lake.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/lake/batch.hpp"
#include "common/block/schema.hpp"

namespace longhaul::collector {

// Positions of the fixed columns of a data table; the fields follow.
enum DataColumn : std::size_t {
    column_device,
    column_stream,
    column_incarnation,
    column_epoch,
    column_seq,
    column_row,
    column_event_time,
    column_anchor,
    column_time_error,
    column_receive_time,
    data_columns,
};

const char* name_of(FieldKind kind);
std::vector<Column> fixed_columns();
Column column_of(const Field& field);

// Where the values of a column go that has this name and kind: a name that is taken by another
// kind, or by another column of the same schema, goes on with "__" and the kind.
struct ColumnPlace {
    std::string name;
    std::optional<std::size_t> position;  // none: it is to be made
};
ColumnPlace place_of(const Column& wanted, const std::vector<Column>& columns,
                     std::span<const std::size_t> taken);

// Positions in the system tables; each begins with device, incarnation, epoch and ends with
// receive_time.
enum EpochColumn : std::size_t {
    epoch_device,
    epoch_incarnation,
    epoch_epoch,
    epoch_previous,
    epoch_previous_clean,
    epoch_boot_cause,
    epoch_firmware,
    epoch_clock_state,
    epoch_streams,
    epoch_last_words,
    epoch_record,
    epoch_receive_time,
};
std::vector<Column> epoch_columns();

enum AnchorColumn : std::size_t {
    anchor_device,
    anchor_incarnation,
    anchor_epoch,
    anchor_anchor,
    anchor_elapsed_us,
    anchor_wall_us,
    anchor_error_us,
    anchor_origin,
    anchor_receive_time,
};
std::vector<Column> anchor_columns();

enum LossColumn : std::size_t {
    loss_device,
    loss_incarnation,
    loss_epoch,
    loss_class,
    loss_first_seq,
    loss_last_epoch,
    loss_last_seq,
    loss_samples,
    loss_reason,
    loss_from_us,
    loss_to_us,
    loss_receive_time,
};
std::vector<Column> loss_columns();

enum QuarantineColumn : std::size_t {
    quarantine_device,
    quarantine_incarnation,
    quarantine_epoch,
    quarantine_seq,
    quarantine_samples,
    quarantine_reason,
    quarantine_shard,
    quarantine_offset,
    quarantine_content,
    quarantine_receive_time,
};
std::vector<Column> quarantine_columns();

enum UsageColumn : std::size_t {
    usage_device,
    usage_hour,
    usage_received_bytes,
    usage_blocks,
    usage_duplicate_blocks,
    usage_sealed_bytes,
    usage_samples,
    usage_decoded_bytes,
    usage_connected,
    usage_wire_received_bytes,
    usage_wire_sent_bytes,
};
std::vector<Column> usage_columns();

// The state tables, whose rows are replaced.
enum DeviceColumn : std::size_t {
    device_device,
    device_first_heard,
    device_last_heard,
    device_silence,
    device_rhythm,
    device_silent,
    device_incarnation,
    device_epoch,
    device_firmware,
    device_clock_state,
    device_clock_error,
    device_gaps,
    device_awaited,
    device_backlog,
    device_backlog_time,
    device_state_time,
};
std::vector<Column> device_columns();

enum GapColumn : std::size_t {
    gap_device,
    gap_incarnation,
    gap_epoch,
    gap_class,
    gap_first_seq,
    gap_last_seq,
    gap_blocks,
    gap_noticed,
    gap_age,
    gap_state_time,
};
std::vector<Column> gap_columns();

// One sentence for whoever finds the table: of a system table what its rows are, of any other that
// they are samples of the schema of that name.
std::string table_description(std::string_view name);

}  // namespace longhaul::collector
