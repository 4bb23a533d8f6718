// The models that a device keeps, each a file named by its hash in a folder beside the spool.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/port/models.hpp"

namespace longhaul::agent {

class ModelFolder final : public Models {
 public:
    // The folder is made when the first model comes.
    explicit ModelFolder(std::string path) : path_{std::move(path)} {}

    Bytes find(const ModelHash& hash) override;
    Status keep(const ModelHash& hash, Bytes model) override;
    void keep_only(std::span<const ModelHash> wanted) override;

 private:
    std::string file_of(const ModelHash& hash) const;

    std::string path_;
    std::map<ModelHash, std::vector<std::byte>> found_;  // in this boot
};

}  // namespace longhaul::agent
