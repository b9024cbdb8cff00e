import Files
import Glibc
import TestSupport
import Testing

struct FileLockTests {
    @Test func aSecondOneIsRefusedAndToldTheOwner() throws {
        let folder = try TemporaryFolder()
        let path = FilePath(folder.path("lock"))
        let lock = try FileLock(path)
        #expect(throws: FileLock.Failure.taken(process: getpid())) { try FileLock(path) }
        withExtendedLifetime(lock) {}
    }

    @Test func itIsFreeOnceItsOwnerIsGone() throws {
        let folder = try TemporaryFolder()
        let path = FilePath(folder.path("lock"))
        do {
            let lock = try FileLock(path)
            withExtendedLifetime(lock) {}
        }
        #expect(throws: Never.self) { try FileLock(path) }
    }

    @Test func whereNoFileCanBeMade() throws {
        let folder = try TemporaryFolder()
        let path = FilePath(folder.path("none/lock"))
        let error = SystemCallError("open", path, number: ENOENT)
        #expect(throws: FileLock.Failure.system(error)) { try FileLock(path) }
        #expect(error.description.contains("none/lock") && error.isAbsence)
    }
}
