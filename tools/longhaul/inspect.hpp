// `longhaul inspect`: what a file of Longhaul holds, as far as it is in the clear.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::tools {

enum class InspectKind { block, epoch, journal };

struct InspectOptions {
    InspectKind kind = InspectKind::block;
    std::string path;
    std::string key;    // with a block: the private sealing key ...
    std::string epoch;  // ... and the signed epoch that the block belongs to
    bool json = false;
    WallUs now{};
};

Result<void, Message> inspect(const InspectOptions& options);

// The kinds, each in a file of its own.
Result<void, Message> inspect_block(const InspectOptions& options);
Result<void, Message> inspect_epoch(const InspectOptions& options);
Result<void, Message> inspect_journal(const InspectOptions& options);

// One thing that was found: a line of JSON, or "name value" pairs for a person.
void print_item(const boost::json::object& item, const InspectOptions& options);

// Parts that blocks and epochs show wherever they lie.
Result<boost::json::object, Message> describe_block(Bytes sealed);
Result<boost::json::object, Message> describe_epoch(Bytes signed_epoch);

}  // namespace longhaul::tools
