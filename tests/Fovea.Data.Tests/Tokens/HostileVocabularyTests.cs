using System.Text;
using Xunit;

namespace Fovea.Data.Tests.Tokens;

/// <summary>Damaged files are read as something else or refused in one way; nothing else happens.</summary>
public sealed class HostileVocabularyTests
{
    private const string Scores = """[["<unk>", 0], ["▁", -4.5], ["a\u00e9", -3e1], ["b", null], ["😀", -8]]""";
    private const string Ids = """{"<unk>": 0, "a": 1, "b</w>": 2, "ab</w>": 3, "\u00e9": 4}""";
    private const string Merges = "#version: 0.2\na b</w>\n";

    [Fact]
    public void DamagedFilesAreReadOrRefused()
    {
        var random = new Random(3);
        int read = 0, refused = 0;
        for (var i = 0; i < 4000; i++)
        {
            try
            {
                ITokenizer tokenizer = i % 2 == 0
                    ? UnigramTokenizer.Parse(Damaged(Scores, random), "v.json", reserved: 1, unknownId: 0)
                    : BpeTokenizer.Parse(Damaged(Ids, random), Damaged(Merges, random));
                tokenizer.Decode([.. tokenizer.Encode("ab é😀 \ud800").Select(t => t.Id)]);
                read++;
            }
            catch (VocabularyFormatException)
            {
                refused++;
            }
        }
        // Both happen often, so that the test means something.
        Assert.InRange(read, 100, 3900);
        Assert.InRange(refused, 100, 3900);
    }

    [Fact]
    public void DeepAndLongJsonIsRefused()
    {
        var deep = new string('[', 100_000);
        Assert.Throws<VocabularyFormatException>(() => UnigramTokenizer.Parse(Encoding.UTF8.GetBytes(deep), "v.json", 0, 0));
        // Half of a surrogate pair as an escape, and bytes that are not UTF-8.
        Assert.Throws<VocabularyFormatException>(() => UnigramTokenizer.Parse("""[["\ud800", 0]]"""u8.ToArray(), "v.json", 0, 0));
        Assert.Throws<VocabularyFormatException>(() => UnigramTokenizer.Parse(new byte[] { 0x5b, 0x5b, 0x22, 0xff, 0x22, 0x2c, 0x30, 0x5d, 0x5d }, "v.json", 0, 0));
    }

    // One to three bytes changed, cut away or repeated; one file in four stays whole.
    private static byte[] Damaged(string text, Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(text).ToList();
        for (var n = random.Next(4); n > 0; n--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(3))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes.RemoveAt(at); break;
                default: bytes.Insert(at, bytes[at]); break;
            }
        }
        return [.. bytes];
    }
}
