// Every key of agent.toml: a wrong value is told with its line and its name.
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <vector>

#include "agent/platform/linux/agent_config.hpp"
#include "common/host/config.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace longhaul;
using namespace longhaul::agent;
using namespace longhaul::test;

namespace {

Result<AgentConfig, Message> load(std::string_view text) {
    const TemporaryFolder folder;
    return load_agent_config(folder.write("agent.toml", text));
}

// The example with the keys that it shows as comments.
std::string whole_example() {
    std::string text = agent_config_example;
    std::size_t at = 0;
    while ((at = text.find("\n#", at)) != std::string::npos) {
        if (text[at + 2] != ' ') text.erase(at + 1, 1);
        ++at;
    }
    // Only one of the three ways that a log comes.
    for (const char* const key : {"\nfile = \"/var/log", "\nudp = "})
        text.insert(text.find(key) + 1, "#");
    return text;
}

struct Case {
    const char* section;  // where the line is looked for
    const char* from;     // up to the value
    const char* to;
    const char* said;
};

// A value of the wrong kind or out of bounds for every key.
std::vector<Case> spool_cases() {
    std::vector<Case> cases{{"[spool]", "path = ", "path = 1 #", "\"path\" must be a text"},
                            {"[spool]", "bytes_max = ", "bytes_max = 1 #",
                             "\"bytes_max\" must be a whole number, from 65536"},
                            {"[spool]", "write_bytes_per_day = ", "write_bytes_per_day = -1 #",
                             "\"write_bytes_per_day\" must be a whole number, from 0 to"}};
    for (const char* const section :
         {"[spool.alarm]", "[spool.live]", "[spool.normal]", "[spool.bulk]"}) {
        cases.push_back({section, "reserve_percent = ", "reserve_percent = 101 #",
                         "\"reserve_percent\" must be a whole number, from 0 to 100"});
        cases.push_back({section, "when_full = ", "when_full = \"drop\" #",
                         "\"when_full\" is \"drop\", must be one of"});
    }
    return cases;
}

const Case other_cases[] = {
    {"[device]", "environment = ", "environment = \"A B\" #", "\"environment\" has to be 1 to 48"},
    {"[device]", "tenant = ", "tenant = 5 #", "\"tenant\" must be a text in quotes"},
    {"[device]", "name = ", "name = \"Bus\" #", "\"name\" has to be 1 to 48 of a-z"},
    {"[device]", "certificate = ", "certificate = 1 #", "\"certificate\" must be a text"},
    {"[device]", "key = ", "key = 1 #", "\"key\" must be a text"},
    {"[device]", "secret = ", "secret = [] #", "\"secret\" must be a text"},
    {"[device]", "root = ", "root = true #", "\"root\" must be a text"},
    {"[device]", "sealing_key = ", "#", "\"sealing_key\" is missing in [device]"},
    {"[collector]", "address = ", "address = \"127.0.0.1:70000\" #",
     "\"address\" has to look like host:port"},
    {"[collector]", "server_name = ", "server_name = 1 #", "\"server_name\" must be a text"},
    {"[block]", "codecs = ", "codecs = [\"zstd\", \"lz4\"] #", "\"codecs\" has \"lz4\""},
    {"[block]", "body_bytes_max = ", "body_bytes_max = 99 #", "\"body_bytes_max\" must be a whole"},
    {"[[trace]]", "mapping = ", "mapping = 1 #", "\"mapping\" must be a text"},
    {"[[trace]]", "file = ", "file = 1 #", "\"file\" must be a text"},
    {"[[trace]]", "speed = ", "speed = \"1\" #", "\"speed\" must be a number"},
    {"[[trace]]", "loop = ", "loop = 1 #", "\"loop\" must be true or false"},
    {"[[trace]]", "only = ", "only = 1 #", "\"only\" must be a text"},
    {"[[nmea]]", "path = ", "#", "\"path\" is missing"},
    {"[[nmea]]", "baud = ", "baud = 9601 #", "\"baud\" has to be 4800, 9600"},
    {"[[nmea]]", "stream = ", "stream = \"\" #", "\"stream\" has to be 1 to 48 bytes"},
    {"[[syslog]]", "socket = ", "#", "\"socket\" or \"file\" or \"udp\" has to be there"},
    {"[[syslog]]", "#file = ", "file = 1 #", "\"file\" must be a text"},
    {"[[syslog]]", "#file = ", "file = \"x\" #", "has to be there, one of them"},
    {"[[syslog]]", "from_start = ", "from_start = 1 #", "\"from_start\" must be true or false"},
    {"[[syslog]]", "#udp = ", "udp = \"localhost:5514\" #", "\"udp\" has to look like"},
    {"[[syslog]]", "remote = ", "remote = \"no\" #", "\"remote\" must be true or false"},
    {"[[syslog]]", "stream = ", "stream = \"gnss\" #", "is of a source with the stream \"gnss\""},
    {"[system]", "interval_s = ", "interval_s = 0 #",
     "\"interval_s\" must be a whole number, from 1"},
    {"[[put]]", "stream = ", "stream = \"why\" #", "which is a question to the agent"},
    {"[[put]]", "stream = ", "stream = \"host\" #", "is of a source with the stream \"host\""},
    {"[[put]]", "schema = ", "schema = \"A-b\" #",
     "\"schema\" names a schema, and the schema is not"},
    {"[[put]]", "class = ", "class = \"fast\" #",
     "\"class\" is \"fast\", must be one of \"alarm\""},
    {"[[put]]", "deadline_ms = ", "deadline_ms = -1 #", "\"deadline_ms\" must be a whole number"},
    {"[[put.field]]", "name = ", "name = \"T\" #", "the schema is not valid"},
    {"[[put.field]]", "kind = ", "kind = \"number\" #", "\"kind\" is \"number\", must be one of"},
    {"[[put.field]]", "scale = ", "scale = 16 #", "\"scale\" must be a whole number, from 0 to 15"},
    {"[[put.field]]", "unit = ", "unit = 1 #", "\"unit\" must be a text"},
    {"[[put.field]]", "help = ", "help = 1 #", "\"help\" must be a text"},
    {"[[put.field]]", "nullable = ", "nullable = 1 #", "\"nullable\" must be true or false"},
    {"[[put.field]]", "minimum = ", "minimum = \"-\" #", "\"minimum\" must be a number"},
    {"[[put.field]]", "maximum = ", "maximum = true #", "\"maximum\" must be a number"},
    {"[[put.field]]", "labels = ", "labels = [1] #", "\"labels\" must be a list of texts"},
    {"[control]", "socket = ", "socket = 1 #", "\"socket\" must be a text"},
    {"[control]", "socket = ", "socket = \"\" #", "\"socket\" has to be a path"},
};

std::vector<Case> all_cases() {
    std::vector<Case> all = spool_cases();
    all.insert(all.end(), std::begin(other_cases), std::end(other_cases));
    return all;
}

// The text with the case's key changed, in the section that it names.
std::string changed(std::string text, const Case& each) {
    std::size_t at = text.find(std::string{"\n"} + each.section);
    REQUIRE(at != std::string::npos);
    at = text.find(std::string{"\n"} + each.from, at);
    REQUIRE(at != std::string::npos);
    return text.replace(at + 1, std::string_view{each.from}.size(), each.to);
}

}  // namespace

TEST_CASE("agent config: the example is valid with every key that it shows") {
    const auto config = load(whole_example());
    if (!config.ok()) FAIL(config.error().text);
    REQUIRE(config.value().put.size() == 1);
    CHECK(config.value().put[0].schema->schema().fields.size() == 2);
    CHECK(config.value().system_interval_s == 60);
    CHECK(config.value().syslog.at(0).socket.ends_with("/log.sock"));
    CHECK(config.value().nmea.at(0).baud == 9600);
    CHECK(config.value().control_socket.ends_with("/agent.sock"));
}

TEST_CASE("agent config: a wrong value of any key is told with its line and its name") {
    for (const Case& each : all_cases()) {
        CAPTURE(each.section, each.to);
        const auto config = load(changed(whole_example(), each));
        REQUIRE_FALSE(config.ok());
        CAPTURE(config.error().text);
        CHECK(config.error().text.find(each.said) != std::string::npos);
        CHECK(config.error().text.find("agent.toml: line ") != std::string::npos);
    }
}

TEST_CASE("agent config: every key of the example has such a case") {
    std::set<std::string> tried;
    for (const Case& each : all_cases()) {
        std::string key = each.from;
        key = key.substr(key.front() == '#' ? 1 : 0);
        tried.insert(std::string{each.section} + " " + key.substr(0, key.find(' ')));
    }
    std::string text = whole_example();
    std::string section;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line.starts_with('[')) section = line.substr(0, line.rfind(']') + 1);
        if (line.starts_with('#') && line.size() > 1 && line[1] != ' ') line.erase(0, 1);
        const std::size_t equal = line.find(" = ");
        if (equal == std::string::npos || line.starts_with('#')) continue;
        CAPTURE(section, line);
        CHECK(tried.contains(section + " " + line.substr(0, equal)));
    }
}

TEST_CASE("agent config: what does not go together is told") {
    std::string start{agent_config_example};
    start.resize(start.find("# What the device measures"));
    const struct {
        std::string text;
        const char* said;
    } others[] = {
        {"[[put]]\nstream = \"a\"\n[[put.field]]\nname = \"x\"\n", "\"put\" needs [control]"},
        {"[[put]]\nstream = \"a\"\n[control]\n", "\"field\" is missing: a sample has"},
        {"[[put]]\n[[put.field]]\nname = \"x\"\n[control]\n", "\"stream\" is missing"},
        {"[[syslog]]\nudp = \"0.0.0.0:5514\"\n", "can be reached from other machines"},
        {"[sytem]\n", "unknown key \"sytem\", did you mean \"system\"?"},
        {"[system]\ninterval = 1\n", "unknown key \"interval\", did you mean \"interval_s\"?"},
    };
    for (const auto& each : others) {
        CAPTURE(each.text);
        const auto config = load(start + each.text);
        REQUIRE_FALSE(config.ok());
        CAPTURE(config.error().text);
        CHECK(config.error().text.find(each.said) != std::string::npos);
    }
    std::string many = start;
    for (int i = 0; i < 32; ++i)
        many += "[[syslog]]\nfile = \"x\"\nstream = \"s" + std::to_string(i) + "\"\n";
    const auto config = load(many);
    REQUIRE_FALSE(config.ok());
    CHECK(config.error().text.find("have 32 streams; there may be 31") != std::string::npos);
    CHECK(load(start + "[[syslog]]\nudp = \"0.0.0.0:5514\"\nremote = true\n").ok());
}
