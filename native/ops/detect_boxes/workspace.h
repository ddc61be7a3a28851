// Where fovea_detect_boxes keeps what is between its steps.
#pragma once

#include <cstdint>

namespace fovea {

// Parts of the workspace, each 64-byte aligned. What decoding and suppression need themselves depends on the backend.
struct DetectWorkspace {
  int64_t candidates, table, labels, keep, found, keys, nms, bytes;

  DetectWorkspace(int64_t most, int64_t decode_bytes, int64_t nms_bytes) : candidates(most) {
    int64_t at = 0;
    const auto part = [&](int64_t size) {
      const int64_t begin = at;
      at += (size + 63) / 64 * 64;
      return begin;
    };
    table = part(candidates * 6 * 4);
    labels = part(candidates * 4);
    keep = part(candidates * 4);
    found = part(4);
    keys = part(decode_bytes);
    nms = part(nms_bytes);
    bytes = candidates == 0 ? 0 : at;
  }
};

}  // namespace fovea
