extension Range<Int> {
    /// One of `parts` parts of panels: in fours, as the kernels take them, unless threads would get
    /// too few of those to have equally much to do.
    func part(_ index: Int, of parts: Int) -> Range<Int> {
        part(index, of: parts, step: count >= 8 * parts ? 4 : 1)
    }

    /// One of `parts` nearly equal parts, cut at multiples of `step` from the lower bound.
    func part(_ index: Int, of parts: Int, step: Int) -> Range<Int> {
        func cut(_ index: Int) -> Int {
            let steps = (count + step - 1) / step
            return Swift.min(lowerBound + steps * index / parts * step, upperBound)
        }
        return cut(index)..<cut(index + 1)
    }
}
