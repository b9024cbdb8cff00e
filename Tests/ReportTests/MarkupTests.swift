import Report
import Testing

struct MarkupTests {
    @Test func whatIsPutInIsText() {
        let name = "<script>alert(\"1\")</script> & 'x'"
        let markup: Markup = "<b title=\"\(name)\">\(name)</b>"
        let escaped =
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;"
        #expect(markup.text == "<b title=\"\(escaped)\">\(escaped)</b>")
    }

    @Test func markupStaysMarkup() {
        let inner: Markup = "<i>\("a<b")</i>"
        let outer: Markup = "<p>\(inner)\([inner, inner])</p>"
        #expect(outer.text == "<p><i>a&lt;b</i><i>a&lt;b</i><i>a&lt;b</i></p>")
        #expect((inner + inner).text == "<i>a&lt;b</i><i>a&lt;b</i>")
    }

    // Names of files may hold any byte but NUL and the slash.
    @Test func controlCharactersAreShown() {
        let markup: Markup = "\("a\u{1}b\u{7F}c\nd\u{FFFD}é🙂")"
        #expect(markup.text == "a\u{FFFD}b\u{FFFD}c d\u{FFFD}é🙂")
    }

    @Test func numbersHaveTwoDecimals() {
        let markup: Markup = "\(1.0 / 3) \(7)"
        #expect(markup.text == "0.33 7")
    }
}
