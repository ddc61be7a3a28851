/* A shared library that is no plug-in. */
int unrelated(void);
__attribute__((visibility("default"))) int unrelated(void) { return 1; }
