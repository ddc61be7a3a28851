// Arithmetic of one 16-bit type and of its pairs: included once for each type, with FOVEA_NARROW and FOVEA_NARROW2 naming them.
// Not templates: these must convert their arguments as NVIDIA's functions do.

// ---- one element ----
inline FOVEA_NARROW __hadd(FOVEA_NARROW a, FOVEA_NARROW b) { return double(float(a)) + double(float(b)); }
inline FOVEA_NARROW __hsub(FOVEA_NARROW a, FOVEA_NARROW b) { return double(float(a)) - double(float(b)); }
inline FOVEA_NARROW __hmul(FOVEA_NARROW a, FOVEA_NARROW b) { return double(float(a)) * double(float(b)); }
inline FOVEA_NARROW __hdiv(FOVEA_NARROW a, FOVEA_NARROW b) { return float(a) / float(b); }
inline FOVEA_NARROW __hfma(FOVEA_NARROW a, FOVEA_NARROW b, FOVEA_NARROW c) {
  return double(float(a)) * double(float(b)) + double(float(c));
}
inline FOVEA_NARROW __hneg(FOVEA_NARROW a) {
  a.bits = uint16_t(a.bits ^ 0x8000);
  return a;
}
inline FOVEA_NARROW __habs(FOVEA_NARROW a) {
  a.bits = uint16_t(a.bits & 0x7fff);
  return a;
}
inline bool __hisnan(FOVEA_NARROW a) { return float(a) != float(a); }
inline FOVEA_NARROW __hmax(FOVEA_NARROW a, FOVEA_NARROW b) { return fmaxf(a, b); }
inline FOVEA_NARROW __hmin(FOVEA_NARROW a, FOVEA_NARROW b) { return fminf(a, b); }
inline bool __heq(FOVEA_NARROW a, FOVEA_NARROW b) { return float(a) == float(b); }
inline bool __hne(FOVEA_NARROW a, FOVEA_NARROW b) { return float(a) != float(b); }
inline bool __hlt(FOVEA_NARROW a, FOVEA_NARROW b) { return float(a) < float(b); }
inline bool __hle(FOVEA_NARROW a, FOVEA_NARROW b) { return float(a) <= float(b); }
inline bool __hgt(FOVEA_NARROW a, FOVEA_NARROW b) { return float(a) > float(b); }
inline bool __hge(FOVEA_NARROW a, FOVEA_NARROW b) { return float(a) >= float(b); }
inline FOVEA_NARROW hexp(FOVEA_NARROW a) { return expf(a); }
inline FOVEA_NARROW hexp2(FOVEA_NARROW a) { return exp2f(a); }
inline FOVEA_NARROW hlog(FOVEA_NARROW a) { return logf(a); }
inline FOVEA_NARROW hlog2(FOVEA_NARROW a) { return log2f(a); }
inline FOVEA_NARROW hsqrt(FOVEA_NARROW a) { return sqrtf(a); }
inline FOVEA_NARROW hrsqrt(FOVEA_NARROW a) { return rsqrtf(a); }
inline FOVEA_NARROW hrcp(FOVEA_NARROW a) { return 1.f / float(a); }
inline FOVEA_NARROW operator+(FOVEA_NARROW a, FOVEA_NARROW b) { return __hadd(a, b); }
inline FOVEA_NARROW operator-(FOVEA_NARROW a, FOVEA_NARROW b) { return __hsub(a, b); }
inline FOVEA_NARROW operator*(FOVEA_NARROW a, FOVEA_NARROW b) { return __hmul(a, b); }
inline FOVEA_NARROW operator/(FOVEA_NARROW a, FOVEA_NARROW b) { return __hdiv(a, b); }
inline FOVEA_NARROW operator-(FOVEA_NARROW a) { return __hneg(a); }
inline FOVEA_NARROW& operator+=(FOVEA_NARROW& a, FOVEA_NARROW b) { return a = a + b; }
inline FOVEA_NARROW& operator-=(FOVEA_NARROW& a, FOVEA_NARROW b) { return a = a - b; }
inline FOVEA_NARROW& operator*=(FOVEA_NARROW& a, FOVEA_NARROW b) { return a = a * b; }
inline FOVEA_NARROW& operator/=(FOVEA_NARROW& a, FOVEA_NARROW b) { return a = a / b; }
inline bool operator==(FOVEA_NARROW a, FOVEA_NARROW b) { return __heq(a, b); }
inline bool operator!=(FOVEA_NARROW a, FOVEA_NARROW b) { return __hne(a, b); }
inline bool operator<(FOVEA_NARROW a, FOVEA_NARROW b) { return __hlt(a, b); }
inline bool operator<=(FOVEA_NARROW a, FOVEA_NARROW b) { return __hle(a, b); }
inline bool operator>(FOVEA_NARROW a, FOVEA_NARROW b) { return __hgt(a, b); }
inline bool operator>=(FOVEA_NARROW a, FOVEA_NARROW b) { return __hge(a, b); }

// ---- pairs ----
inline FOVEA_NARROW2 __hadd2(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return {__hadd(a.x, b.x), __hadd(a.y, b.y)}; }
inline FOVEA_NARROW2 __hsub2(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return {__hsub(a.x, b.x), __hsub(a.y, b.y)}; }
inline FOVEA_NARROW2 __hmul2(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return {__hmul(a.x, b.x), __hmul(a.y, b.y)}; }
inline FOVEA_NARROW2 __h2div(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return {__hdiv(a.x, b.x), __hdiv(a.y, b.y)}; }
inline FOVEA_NARROW2 __hfma2(FOVEA_NARROW2 a, FOVEA_NARROW2 b, FOVEA_NARROW2 c) {
  return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
}
inline FOVEA_NARROW2 __hneg2(FOVEA_NARROW2 a) { return {__hneg(a.x), __hneg(a.y)}; }
inline FOVEA_NARROW2 __habs2(FOVEA_NARROW2 a) { return {__habs(a.x), __habs(a.y)}; }
inline FOVEA_NARROW2 __hmax2(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return {__hmax(a.x, b.x), __hmax(a.y, b.y)}; }
inline FOVEA_NARROW2 __hmin2(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return {__hmin(a.x, b.x), __hmin(a.y, b.y)}; }
inline FOVEA_NARROW2 h2exp(FOVEA_NARROW2 a) { return {hexp(a.x), hexp(a.y)}; }
inline FOVEA_NARROW2 h2exp2(FOVEA_NARROW2 a) { return {hexp2(a.x), hexp2(a.y)}; }
inline FOVEA_NARROW2 h2rcp(FOVEA_NARROW2 a) { return {hrcp(a.x), hrcp(a.y)}; }
inline FOVEA_NARROW2 h2rsqrt(FOVEA_NARROW2 a) { return {hrsqrt(a.x), hrsqrt(a.y)}; }
inline FOVEA_NARROW2 operator+(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return __hadd2(a, b); }
inline FOVEA_NARROW2 operator-(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return __hsub2(a, b); }
inline FOVEA_NARROW2 operator*(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return __hmul2(a, b); }
inline bool operator==(FOVEA_NARROW2 a, FOVEA_NARROW2 b) { return a.x == b.x && a.y == b.y; }
inline FOVEA_NARROW2 atomicAdd(FOVEA_NARROW2* p, FOVEA_NARROW2 v) {
  return fovea::emulator::rmw(p, [=](FOVEA_NARROW2 o) { return __hadd2(o, v); });
}
