// Port: where a lake's files lie. A folder, later S3.
//
// What the callers rely on: an object appears whole or not at all, is durable when the call returns
// ok, and of several that put one name exactly one wins.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"

namespace longhaul::collector {

// An object on its way: append, then finish once. Dropped before that, it leaves nothing visible.
class ObjectWriter {
 public:
    virtual ~ObjectWriter() = default;
    virtual Status append(Bytes bytes) = 0;
    // Makes it visible under `path`. Its name tells its content, so it takes the place of one that
    // exists already: that one is as good, but for its age, which clean-up goes by.
    virtual Status finish(std::string_view path) = 0;
};

struct StoredObject {
    std::string name;
    std::uint64_t bytes = 0;
    bool folder = false;
    WallUs modified{};
};

class ObjectStore {
 public:
    virtual ~ObjectStore() = default;
    // Error exists: somebody else was first.
    virtual Status put_if_absent(std::string_view path, Bytes bytes) = 0;
    virtual Result<std::unique_ptr<ObjectWriter>> begin() = 0;
    virtual Result<std::vector<std::byte>> read(std::string_view path) = 0;
    // Names in a folder, sorted; an absent folder is empty.
    virtual Result<std::vector<std::string>> list(std::string_view folder) = 0;
    // The same with what is known of each.
    virtual Result<std::vector<StoredObject>> entries(std::string_view folder) = 0;
    // One that is not there is as good as removed.
    virtual Status remove(std::string_view path) = 0;
    // What can be seen in the folder stays there. A process that ended between putting an object
    // and making its name durable may have left one that a power cut would take away.
    virtual Status make_durable(std::string_view folder) = 0;
    // The old or the new object is there, whatever happens.
    virtual Status replace(std::string_view path, Bytes bytes) = 0;
};

}  // namespace longhaul::collector
