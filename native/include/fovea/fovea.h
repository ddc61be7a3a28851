/* Fovea C ABI, umbrella header. */
#ifndef FOVEA_H
#define FOVEA_H

#include "base.h"
#include "data.h"
#include "device.h"
#include "nn.h"
#include "optim.h"
#include "sequence.h"
#include "training.h"
#include "vision.h"

#endif
