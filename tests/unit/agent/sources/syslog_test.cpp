// Syslog: what is told of a line, and that the line stays what it was.
#include <catch2/catch_test_macros.hpp>
#include <string>

#include "agent/sources/builtin_schema.hpp"
#include "agent/sources/syslog_message.hpp"

using namespace longhaul;
using namespace longhaul::agent;

namespace {

template <class T>
void add(std::string& text, const char* name, const std::optional<T>& part) {
    if (!part) return;
    if constexpr (std::is_integral_v<T>) {
        text += std::string{name} + std::to_string(*part) + "|";
    } else {
        text += std::string{name} + std::string{*part} + "|";
    }
}

// "f20|s6|h:veos01|…|m:message|"
std::string told(const std::string& line) {
    const SyslogMessage message = parse_syslog(line);
    std::string text;
    add(text, "f", message.facility);
    add(text, "s", message.severity);
    add(text, "v", message.version);
    add(text, "t:", message.timestamp);
    add(text, "h:", message.host);
    add(text, "a:", message.app);
    add(text, "p:", message.procid);
    add(text, "i:", message.msgid);
    add(text, "d:", message.structured_data);
    add(text, "m:", message.message);
    return text;
}

const Value& at(const std::array<Value, syslog_field_count>& values, SyslogField field) {
    return values[static_cast<std::size_t>(field)];
}

}  // namespace

TEST_CASE("syslog: RFC 5424") {
    const struct {
        const char* line;
        const char* told;
    } cases[] = {
        {"<166>1 2019-02-20T15:10:50.505646+00:00 ss12 bgpd 83 - - up",
         "f20|s6|v1|t:2019-02-20T15:10:50.505646+00:00|h:ss12|a:bgpd|p:83|m:up|"},
        {"<13>1 2019-02-20T15:10:50Z ss12 orchagent - - -  :- set",
         "f1|s5|v1|t:2019-02-20T15:10:50Z|h:ss12|a:orchagent|m: :- set|"},
        {"<0>1 - - - - - -", "f0|s0|v1|"},
        {"<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [a@1 x=\"]\\\"\" y=\"2\"][b@1] "
         "\xef\xbb\xbfm",
         "f20|s5|v1|t:2003-10-11T22:14:15.003Z|h:h|a:evntslog|i:ID47|"
         "d:[a@1 x=\"]\\\"\" y=\"2\"][b@1]|m:m|"},
        {"<34>1 2003-10-11T22:14:15Z h app", "f4|s2|v1|t:2003-10-11T22:14:15Z|h:h|a:app|"},
        {"<34>1 - h app 1 ID [a x=\"", "f4|s2|v1|h:h|a:app|p:1|i:ID|m: [a x=\"|"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.line);
        CHECK(told(each.line) == each.told);
    }
}

TEST_CASE("syslog: RFC 3164 as devices write it") {
    const struct {
        const char* line;
        const char* told;
    } cases[] = {
        {"<165>Feb  6 09:42:36 veos01 Ebra: %LINEPROTO-5-UPDOWN: down",
         "f20|s5|t:Feb  6 09:42:36|h:veos01|a:Ebra|m:%LINEPROTO-5-UPDOWN: down|"},
        {"<28>Jun 21 14:03:12  vmx01 rpd[2902]:  two spaces",
         "f3|s4|t:Jun 21 14:03:12|h:vmx01|a:rpd|p:2902|m: two spaces|"},
        {"<46>Nov 21 10:00:00 sshd[12]: no host", "f5|s6|t:Nov 21 10:00:00|a:sshd|p:12|m:no host|"},
        {"Nov 21 10:00:00 host cron: no priority",
         "t:Nov 21 10:00:00|h:host|a:cron|m:no priority|"},
        {"<13>2020-03-31T08:41:59+00:00 some-switch Bgp: up",
         "f1|s5|t:2020-03-31T08:41:59+00:00|h:some-switch|a:Bgp|m:up|"},
        {"<29>2018-7-23 01:00:34.270.1 sw %%01IFNET/4/IF_STATE(l)[4997]:Interface down",
         "f3|s5|t:2018-7-23 01:00:34.270.1|h:sw|a:%%01IFNET/4/IF_STATE(l)|p:4997|m:Interface "
         "down|"},
        {"<190>2018 Apr 20 13:15:07 nexus %ETHPORT-5-IF_UP: up",
         "f23|s6|t:2018 Apr 20 13:15:07|h:nexus|a:%ETHPORT-5-IF_UP|m:up|"},
        {"<189>Apr 20 2018 13:15:07 asa : %ASA-5-1: up",
         "f23|s5|t:Apr 20 2018 13:15:07|h:asa|m:: %ASA-5-1: up|"},
        {"<189>521: router1: *Nov 14 08:30:56.699: %LINK-5-CHANGED: down",
         "f23|s5|t:*Nov 14 08:30:56.699|h:router1|a:%LINK-5-CHANGED|m:down|"},
        {"<189>521: *Nov 14 08:30:56.699: %LINK-5-CHANGED: down",
         "f23|s5|t:*Nov 14 08:30:56.699|a:%LINK-5-CHANGED|m:down|"},
        {"<190>sw01: 2017 Jul 28 14:42:46 UTC: %AUTHPRIV-6-SYSTEM_MSG: opened",
         "f23|s6|t:2017 Jul 28 14:42:46 UTC|h:sw01|a:%AUTHPRIV-6-SYSTEM_MSG|m:opened|"},
        {"<190>40: xrv RP/0/RP0/CPU0:Oct  4 22:52:47.441 : cfgmgr[67310]: done",
         "f23|s6|t:Oct  4 22:52:47.441|h:xrv|a:cfgmgr|p:67310|m:done|"},
        {"<7>Dec 10 00:00:01 some-switch fpc0 (buf alloc) failed",
         "f0|s7|t:Dec 10 00:00:01|h:some-switch|m:fpc0 (buf alloc) failed|"},
        {"<189>date=2019-04-04 time=09:19:21 devname=fw01",
         "f23|s5|m:date=2019-04-04 time=09:19:21 devname=fw01|"},
        {"<30>ts port02 2018-Nov- 9 15:38:25.341 RXDATA: dev#",
         "f3|s6|m:ts port02 2018-Nov- 9 15:38:25.341 RXDATA: dev#|"},
        {"kernel: eth0 up", "a:kernel|m:eth0 up|"},
        {"http://host/path is no tag", "m:http://host/path is no tag|"},
        {"521: a number is no tag", "m:521: a number is no tag|"},
        {"<192>no priority", "m:<192>no priority|"},
        {"<13", "m:<13|"},
        {"<13>", "f1|s5|"},
        {"Foo 21 10:00:00 host", "m:Foo 21 10:00:00 host|"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.line);
        CHECK(told(each.line) == each.told);
    }
}

TEST_CASE("syslog: the line is kept as it is, its trailing spaces too") {
    const std::string line = "<13>May 19 03:57:38 HOSTNAME BGP: Peer 10.10.7.134 DOWN \xc3\xa9 ";
    std::array<Value, syslog_field_count> values;
    REQUIRE_FALSE(read_syslog(line, values));
    CHECK(as_text(at(values, SyslogField::text).text) == line);
    CHECK(at(values, SyslogField::raw).form == ValueForm::null);
    CHECK(at(values, SyslogField::facility).integer == 1);
    CHECK(as_text(at(values, SyslogField::message).text) == "Peer 10.10.7.134 DOWN \xc3\xa9 ");
    CHECK(at(values, SyslogField::msgid).form == ValueForm::null);
}

TEST_CASE("syslog: a line that is not UTF-8 is kept as bytes, with what can be told of it") {
    const std::string line = "<13>May 19 03:57:38 host app: \xff\xfe";
    std::array<Value, syslog_field_count> values;
    REQUIRE_FALSE(read_syslog(line, values));
    CHECK(at(values, SyslogField::text).form == ValueForm::null);
    CHECK(as_text(at(values, SyslogField::raw).text) == line);
    CHECK(as_text(at(values, SyslogField::host).text) == "host");
    CHECK(at(values, SyslogField::message).form == ValueForm::null);
}

TEST_CASE("syslog: empty lines and lines that are too long are refused") {
    std::array<Value, syslog_field_count> values;
    CHECK(read_syslog("", values) == SyslogRefusal::empty);
    CHECK(read_syslog(std::string(limits::text_bytes_max + 1, 'x'), values) ==
          SyslogRefusal::too_long);
    CHECK_FALSE(read_syslog(std::string(limits::text_bytes_max, 'x'), values));
}

TEST_CASE("syslog: the schema is valid") {
    const BuiltinSchema schema{syslog_schema};
    CHECK(schema.schema().fields.size() == syslog_field_count);
    CHECK(schema.schema().fields[static_cast<std::size_t>(SyslogField::msgid)].name == "msgid");
    CHECK(schema.schema().fields[static_cast<std::size_t>(SyslogField::message)].name == "message");
}
