// Prepared weights and workspaces belong to a device: made when it is first used, and again when another one is.
#pragma once

#include <memory>

#include "support.h"

namespace fovea_test {

inline fovea_device* device_in_use() { return current_device() != nullptr ? current_device() : cpu(); }

template <class T>
class PerDevice {
 public:
  // make() returns a std::unique_ptr<T>.
  template <class Make>
  T& get(const Make& make) {
    if (value_ == nullptr || device_ != device_in_use()) {
      device_ = device_in_use();
      value_ = make();
    }
    return *value_;
  }
  // The next use makes it again.
  void reset() { value_ = nullptr; }
  T* operator->() { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
  fovea_device* device_ = nullptr;
};

}  // namespace fovea_test
