import Client
import Testing

struct TableTests {
    private func table() -> Table {
        var table = Table(["id": .right, "kind": .left, "path": .left])
        table.add("7", "boot", "/pictures/summer/boot.png")
        table.add("12", "hat", "/a")
        return table
    }

    @Test func columnsAreAsWideAsTheirCells() {
        #expect(
            table().text(width: nil, bold: false) == """
                id  kind  path
                 7  boot  /pictures/summer/boot.png
                12  hat   /a

                """)
    }

    @Test func theLastColumnIsCutToTheTerminal() {
        #expect(
            table().text(width: 24, bold: false) == """
                id  kind  path
                 7  boot  …mmer/boot.png
                12  hat   /a

                """)
    }

    @Test func headingsAreBoldOnTerminalsOnly() {
        #expect(
            table().text(width: nil, bold: true).hasPrefix("\u{1B}[1mid  kind  path\u{1B}[0m\n"))
    }

    @Test func linesEndWithoutBlanks() {
        var table = Table(["id": .right, "name": .left])
        table.add("1", "")
        #expect(table.text(width: nil, bold: false) == "id  name\n 1\n")
    }

    @Test func controlCharactersDoNotReachTheTerminal() {
        #expect(Table.printable("a\u{1B}[31m\nb\u{7F}\u{85}é") == #"a\x1b[31m\xab\x7f\x85é"#)
    }
}
