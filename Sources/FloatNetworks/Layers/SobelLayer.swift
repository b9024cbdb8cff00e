import Tensors

/// The fixed edge filter of DeepCluster: the grey mean of three channels, then the horizontal
/// gradient `[1 0 −1] [2 0 −2] [1 0 −1]` and the vertical one `[1 2 1] [0 0 0] [−1 −2 −1]`, with
/// zeros around the picture.
final class SobelLayer: FloatLayer {
    private let height, width: Int
    private let workspace: Workspace

    init(input: Shape, workspace: Workspace) {
        (height, width) = (input[0], input[1])
        self.workspace = workspace
    }

    func forward(_ pass: LayerPass) {
        let stride = width + 2
        pass.team.forEachShare(of: pass.count) { shard, pictures in
            // The grey picture with its border of zeros.
            let grey = unsafe workspace.columns(shard: shard, count: (height + 2) * stride)
            unsafe grey.update(repeating: 0, count: (height + 2) * stride)
            for picture in pictures {
                let x = unsafe pass.inputs[0] + picture * height * width * 3
                for row in 0..<height {
                    let source = unsafe x + row * width * 3
                    let target = unsafe grey + (row + 1) * stride + 1
                    for i in 0..<width {
                        unsafe target[i] =
                            (source[3 * i] + source[3 * i + 1] + source[3 * i + 2]) / 3
                    }
                }
                let y = unsafe pass.output + picture * height * width * 2
                for row in 0..<height {
                    let above = unsafe grey + row * stride
                    let (here, below) = unsafe (above + stride, above + 2 * stride)
                    let target = unsafe y + row * width * 2
                    for i in 0..<width {
                        unsafe target[2 * i] =
                            (above[i] - above[i + 2]) + 2 * (here[i] - here[i + 2])
                            + (below[i] - below[i + 2])
                        unsafe target[2 * i + 1] =
                            (above[i] - below[i]) + 2 * (above[i + 1] - below[i + 1])
                            + (above[i + 2] - below[i + 2])
                    }
                }
            }
        }
    }

    func backward(_ pass: LayerPass) {
        guard let target = pass.inputGradients[0] else { return }
        let stride = width + 2
        pass.team.forEachShare(of: pass.count) { shard, pictures in
            let grey = unsafe workspace.columns(shard: shard, count: (height + 2) * stride)
            let accumulates = target.accumulates
            for picture in pictures {
                unsafe grey.update(repeating: 0, count: (height + 2) * stride)
                let dy = unsafe pass.outputGradient! + picture * height * width * 2
                for row in 0..<height {
                    let above = unsafe grey + row * stride
                    let (here, below) = unsafe (above + stride, above + 2 * stride)
                    for i in 0..<width {
                        let (dh, dv) = unsafe (
                            dy[(row * width + i) * 2], dy[(row * width + i) * 2 + 1]
                        )
                        unsafe above[i] += dh + dv
                        unsafe above[i + 1] += 2 * dv
                        unsafe above[i + 2] += dv - dh
                        unsafe here[i] += 2 * dh
                        unsafe here[i + 2] -= 2 * dh
                        unsafe below[i] += dh - dv
                        unsafe below[i + 1] -= 2 * dv
                        unsafe below[i + 2] -= dh + dv
                    }
                }
                let dx = unsafe target.base + picture * height * width * 3
                for i in 0..<(height * width) {
                    let gradient = unsafe grey[(i / width + 1) * stride + i % width + 1] / 3
                    for c in 0..<3 {
                        unsafe dx[3 * i + c] = accumulates ? dx[3 * i + c] + gradient : gradient
                    }
                }
            }
        }
    }
}
