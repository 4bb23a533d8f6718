#include "collector/session/clone_watch.hpp"

namespace longhaul::collector {

CloneWatch::Past& CloneWatch::past_of(const Key& key) {
    if (const auto known = known_.find(key); known != known_.end()) {
        pasts_.splice(pasts_.begin(), pasts_, known->second);
        return pasts_.front();
    }
    if (pasts_.size() >= remembered_max_) {
        known_.erase(pasts_.back().key);
        pasts_.pop_back();
    }
    pasts_.push_front({key});
    known_[key] = pasts_.begin();
    return pasts_.front();
}

// A boot that nobody has seen is no return, unless its spool is one that another had taken the
// place of: who restores a copy of a spool goes back once, and from there on.
std::optional<std::string> CloneWatch::greeted(Session session, const DeviceLife& life,
                                               MonotonicMs now) {
    Past& past = past_of(session.device->key_);
    auto& lives = past.lives;
    const std::string& from = session.device->from(session.number);
    if (!lives.empty() && lives.front().first == life) {
        lives.front().second = from;
        return std::nullopt;
    }
    const bool other_spool = !lives.empty() && lives.front().first.incarnation != life.incarnation;
    const bool returns = std::any_of(lives.begin(), lives.end(), [&](const auto& each) {
        return each.first == life || (other_spool && each.first.incarnation == life.incarnation);
    });
    std::erase_if(lives, [&life](const auto& each) { return each.first == life; });
    if (lives.size() >= lives_max) lives.pop_back();
    lives.insert(lives.begin(), {life, from});
    if (!returns || ++past.returns < returns_of_clones) return std::nullopt;
    past.returns = 0;
    if (past.told_at && now - *past.told_at < told_again_ms) return std::nullopt;
    past.told_at = now;
    return lives[1].second;
}

}  // namespace longhaul::collector
