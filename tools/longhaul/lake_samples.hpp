// The rows of a table as the samples that devices coded: what a model is trained with.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "collector/lake/batch.hpp"
#include "collector/lake/object_store.hpp"
#include "common/block/stored_schema.hpp"
#include "tools/model/recordings.hpp"

namespace longhaul::tools {

class LakeSamples {
 public:
    // `folder` is the table's in the store: "<tenant>/<schema>". Rows that this schema cannot have,
    // since they are of another one of its name, are passed over.
    static Result<std::unique_ptr<LakeSamples>, Message> read(collector::ObjectStore& store,
                                                              const std::string& folder,
                                                              const Schema& schema);

    // One run a device, its rows in the order in which they were sampled.
    std::vector<SampleRun> devices() const;

 private:
    struct Device {
        std::vector<std::int64_t> times;
        std::vector<Value> values;
    };
    struct Row;
    using Rows = std::map<std::string, std::vector<Row>>;  // by device
    void take(const Schema& schema, std::vector<collector::ColumnData> data, Rows& rows);
    void sort(const Schema& schema, Rows& rows);

    std::vector<std::unique_ptr<std::vector<collector::ColumnData>>> files_;  // values point there
    std::vector<Device> devices_;
};

}  // namespace longhaul::tools
