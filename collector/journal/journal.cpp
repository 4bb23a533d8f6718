#include "collector/journal/journal.hpp"

#include "common/base/crc32c.hpp"

namespace longhaul::collector {

Shard Journal::shard_of(std::string_view tenant, std::string_view device) const {
    const std::byte separator{0};
    std::uint32_t hash = crc32c(as_bytes(tenant));
    hash = crc32c(Bytes{&separator, 1}, hash);
    return crc32c(as_bytes(device), hash) % shards();
}

}  // namespace longhaul::collector
