#include "agent/platform/linux/devices_to_make.hpp"

#include <algorithm>
#include <cstdio>

namespace longhaul::agent {

void DevicesToMake::poll(MonotonicMs now, Devices& devices) {
    std::erase_if(waiting_,
                  [&](Waiting& each) { return each.due_at <= now && make(each, now, devices); });
}

bool DevicesToMake::make(Waiting& each, MonotonicMs now, Devices& devices) {
    auto made = make_(each.config);
    if (made.ok()) {
        devices.push_back(std::move(made).value());
        return true;
    }
    std::fprintf(stderr, "longhaul-agent: %s; tried again in a minute\n",
                 made.error().text.c_str());
    each.due_at = now + again_ms;
    return false;
}

MonotonicMs DevicesToMake::due_at() const {
    MonotonicMs due = MonotonicMs::never();
    for (const Waiting& each : waiting_) due = std::min(due, each.due_at);
    return due;
}

}  // namespace longhaul::agent
