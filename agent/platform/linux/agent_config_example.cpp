// The complete configuration that `longhaul-agent config example` prints. A test loads it.
#include "agent/platform/linux/agent_config.hpp"

namespace longhaul::agent {

const char* const agent_config_example =
    R"toml(# Configuration of one device. Relative paths count from the folder of this file.

[device]
environment = "demo"           # these three have to be those of the certificate
tenant = "acme"
name = "bus-2228"
certificate = "device.crt"     # the device's, then the tenant authority's
key = "device.key"             # readable by its owner only
secret = "device.secret"       # 32 random bytes, readable by their owner only; never sent
root = "root.crt"              # the only authority that is trusted
sealing_key = "sealing.crt"    # public key that blocks are sealed for, signed by the tenant's authority

[collector]
address = "127.0.0.1:7600"
server_name = "localhost"      # what the collector's certificate has to be for

[spool]                        # where sealed blocks wait until the collector has them on disk
path = "spool.db"
bytes_max = 67108864
#write_bytes_per_day = 50000000 # spares the flash: beyond it blocks wait until they are full; 0: no limit

# Each class has a share of the room that no other one takes, and a rule for what goes when a block finds
# no room: drop_oldest (of what waits), drop_newest (the block itself), stop (nothing: its sources wait).
# What is dropped is listed in the table _losses.
[spool.alarm]
reserve_percent = 10
when_full = "drop_oldest"

[spool.live]
reserve_percent = 10
when_full = "drop_oldest"

[spool.normal]
reserve_percent = 10
when_full = "drop_oldest"

[spool.bulk]
reserve_percent = 0
when_full = "drop_oldest"

[block]
body_bytes_max = 4096          # 1100 on links where every datagram counts
codecs = ["range", "zstd"]     # that may be used beside plain columns; fewer take less time and more bytes, "mixed" the fewest bytes and 50 times as long

# What the device measures. Each table may be repeated; a stream's name is used once.

# A recording, replayed.
[[trace]]
mapping = "bus.toml"           # which columns are what
#file = "bus.csv"              # default: the one that the mapping names
speed = 0                      # 0: as fast as possible; 1: as recorded; 60: a minute in a second
#loop = true                   # begins again at its end, with the times as recorded
#only = "bus-2228"             # the device in the recording; default: device.name

# A satellite receiver that speaks NMEA 0183.
[[nmea]]
path = "/dev/ttyUSB0"          # a serial line, a pipe or a file; one that is not there yet is waited for
baud = 9600                    # of a serial line
stream = "gnss"

# Lines of logs, by RFC 5424 or RFC 3164. Exactly one of socket, file and udp.
[[syslog]]
socket = "log.sock"            # a Unix datagram socket, like /dev/log
#file = "/var/log/syslog"      # a file that grows; renamed and begun anew as usual
#from_start = false            # true: also what is in the file already
#udp = "127.0.0.1:5514"
#remote = false                # true: other machines may send, too
stream = "syslog"

# The device's own health: the streams host, interface and temperature.
[system]
interval_s = 60

# Samples that programs put: longhaul-agent put climate temperature=21.5
[[put]]
stream = "climate"
schema = "climate"             # of the table; default: the stream's name
class = "normal"               # alarm, live, normal or bulk
deadline_ms = 100              # a sample waits this long for others that share its block

[[put.field]]
name = "temperature"           # a-z, 0-9 and _
kind = "decimal"               # integer, decimal, boolean, enumeration, text, bytes, float32, float64
scale = 2                      # decimal places
unit = "Cel"                   # UCUM
help = "at the door"
nullable = true                # may be left out
minimum = -40                  # for readers; a value out of bounds is carried
maximum = 85

[[put.field]]
name = "state"
kind = "enumeration"
labels = ["open", "closed"]
nullable = true

# The socket by which `longhaul-agent put` and `longhaul-agent why` reach the agent.
[control]
socket = "agent.sock"
)toml";

}  // namespace longhaul::agent
