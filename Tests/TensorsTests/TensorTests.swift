import Tensors
import Testing

struct TensorTests {
    @Test func rowsAreContiguousBelowTheFirstDimension() {
        let tensor = Tensor((0..<24).map(Float.init), shape: [2, 3, 4])
        #expect(tensor.rowSize == 12)
        #expect(Array(tensor[row: 1]) == (12..<24).map(Float.init))
        #expect(tensor.rows(at: [1, 1, 0]).shape == [3, 3, 4])
        #expect(
            tensor.rows(at: [1, 0]).elements == (12..<24).map(Float.init) + (0..<12).map(Float.init)
        )
    }

    @Test func emptyTensorsAreAllowed() {
        let none = Tensor<Float>([], shape: [0, 7])
        #expect(none.count == 0)
        #expect(none.rowSize == 7)
        #expect(none.rows(at: []).shape == [0, 7])
    }

    @Test func aScalarHasOneElement() {
        #expect(Shape([]).count == 1)
        #expect(Shape([]).rank == 0)
    }
}
