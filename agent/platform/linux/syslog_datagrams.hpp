// Syslog by datagrams: a Unix socket like /dev/log, or a UDP port. One datagram is one line.
//
// Whoever sends is never made to wait: what comes while the queue is full is counted as lost.
#pragma once

#include "agent/platform/linux/syslog_source.hpp"

namespace longhaul::agent {

Result<std::unique_ptr<SyslogInput>, Message> bind_syslog_socket(const std::string& path);
// "127.0.0.1:5514", "[::1]:5514"
Result<std::unique_ptr<SyslogInput>, Message> listen_for_syslog(const std::string& address);

// Whether it is an address that listen_for_syslog() takes, and whether only this machine reaches
// it.
bool valid_udp_address(const std::string& address);
bool is_loopback(const std::string& address);

}  // namespace longhaul::agent
