#include "common/base/ids.hpp"

namespace longhaul {

const char* name_of(BlockClass block_class) {
    switch (block_class) {
        case BlockClass::alarm:
            return "alarm";
        case BlockClass::live:
            return "live";
        case BlockClass::normal:
            return "normal";
        case BlockClass::bulk:
            return "bulk";
    }
    return "unknown";
}

}  // namespace longhaul
