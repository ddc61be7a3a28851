using Fovea.Benchmarks.Mtcnn;
using Fovea.Data;

return args is ["mtcnn", "--verify-peer", var folder] && PeerCheck.Run(new ModelStore(), folder) ? 0 : 1;
