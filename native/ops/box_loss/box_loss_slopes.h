// The gradient of a box loss by the box: the loss itself, evaluated on dual numbers.
#pragma once

#include "ops/box_loss/box_loss.h"
#include "ops/box_loss/dual.h"

namespace fovea {

template <class T>
FOVEA_FORMULA numbers::Slopes<T> box_loss_slopes(const fovea_box_loss_params& params, const BoxPair<T>& p) {
  using namespace numbers;
  using D = Dual<T>;
  const T none = Number<T>::of(0), one = Number<T>::of(1);
  const Corners<D> box = ordered(D{p.box[0], {one, none, none, none}}, D{p.box[1], {none, one, none, none}},
                                 D{p.box[2], {none, none, one, none}}, D{p.box[3], {none, none, none, one}});
  const Corners<D> target = ordered(constant(p.target[0]), constant(p.target[1]), constant(p.target[2]), constant(p.target[3]));
  const T nan = poison(p);
  return box_loss_of(params, box, target).slopes + Slopes<T>{nan, nan, nan, nan};
}

}  // namespace fovea
