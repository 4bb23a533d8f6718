// Makes a spool of this version out of one of version 1, in its place.
#pragma once

#include "agent/platform/linux/sqlite_tables.hpp"

namespace longhaul::agent {

// In one transaction; a power cut leaves the old one.
Status migrate_tables(SpoolTables& tables);

}  // namespace longhaul::agent
