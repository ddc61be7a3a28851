using Fovea.Cli.Experiments.YoloCell;
using Fovea.Data;
using Fovea.Detection;
using Xunit;

namespace Fovea.Cli.Tests;

public sealed class YoloCellTests
{
    [Fact]
    public void OnePairSharesACellAndTheOtherDoesNot()
    {
        var scenes = new PairScenes(seed: 3, count: 200);
        for (var i = 0; i < 200; i++)
        {
            var objects = scenes.Load(i).Objects;
            Assert.Equal(4, objects.Count);
            Assert.Equal(Cell(objects[0]), Cell(objects[1]));
            var ((ax, ay), (bx, by)) = (Cell(objects[2]), Cell(objects[3]));
            Assert.Equal(1, Math.Abs(ax - bx) + Math.Abs(ay - by));
            foreach (var o in objects)
            {
                Assert.True(o.X1 >= 0 && o.Y1 >= 0 && o.X2 <= PairScenes.Size && o.Y2 <= PairScenes.Size);
                Assert.DoesNotContain(objects, other => other != o && Math.Min(o.X2, other.X2) > Math.Max(o.X1, other.X1) && Math.Min(o.Y2, other.Y2) > Math.Max(o.Y1, other.Y1));
            }
        }
        Assert.True(scenes.Load(7).Image.Pixels.Span.SequenceEqual(new PairScenes(seed: 3, count: 8).Load(7).Image.Pixels.Span));
        Assert.False(scenes.Load(7).Image.Pixels.Span.SequenceEqual(new PairScenes(seed: 4, count: 8).Load(7).Image.Pixels.Span));
        Assert.Throws<ArgumentOutOfRangeException>(() => scenes.Load(200));

        static (int, int) Cell(LabelledObject o) => ((int)((o.X1 + o.X2) / 2 / PairScenes.Cell), (int)((o.Y1 + o.Y2) / 2 / PairScenes.Cell));
    }

    [Fact]
    public void AnObjectIsFoundOnceByItsClass()
    {
        LabelledObject[] objects = [new(0, 0, 0, 10, 10), new(1, 20, 0, 30, 10), new(0, 40, 0, 50, 10), new(1, 60, 0, 70, 10)];
        var recall = new PairRecall();
        // Twice the first, the second by the wrong class and by too little; both of the second pair, one of them too unlikely.
        recall.Add(new LabelledImage(new RgbImage(96, 96), objects),
            [Found(0, 0, 0.9f), Found(0, 1, 0.8f), Found(20, 0, 0.7f, type: 0), Found(26, 0, 0.6f, type: 1), Found(40, 0, 0.5f), Found(60, 0, 0.1f, type: 1)]);
        Assert.Equal((0.5, 0.0, 0.5, 0.0), (recall.InOneCell, recall.BothInOneCell, recall.InTwoCells, recall.BothInTwoCells));
        recall.Add(new LabelledImage(new RgbImage(96, 96), objects), [Found(60, 0, 0.9f, type: 1), Found(41, 0, 0.5f)]);
        Assert.Equal((0.25, 0.0, 0.75, 0.5), (recall.InOneCell, recall.BothInOneCell, recall.InTwoCells, recall.BothInTwoCells));

        static ObjectDetection Found(float x, float y, float score, int type = 0) => new()
        {
            X1 = x,
            Y1 = y,
            X2 = x + 10,
            Y2 = y + 10,
            Score = score,
            Class = type,
        };
    }
}
