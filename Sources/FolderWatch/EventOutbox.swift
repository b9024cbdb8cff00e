/// Events on their way to the consumer: they reach it at the end of a turn or in large batches.
struct EventOutbox {
    private var waiting: [WatchEvent] = []
    private let channel: EventChannel

    init(_ channel: EventChannel) { self.channel = channel }

    mutating func tell(_ event: WatchEvent) {
        waiting.append(event)
        if waiting.count >= EventChannel.batch { flush() }
    }

    mutating func flush() {
        channel.send(waiting)
        waiting.removeAll(keepingCapacity: true)
    }
}
