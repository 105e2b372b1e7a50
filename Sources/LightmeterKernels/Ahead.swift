internal import CLightmeterKernels

/// Makes values before they are needed, on a thread of the pool that has nothing else to do.
///
/// A value comes from its order alone, so it is the same whoever makes it. One value is under way at a time: begin it, do
/// other work, take it. With one thread, or where none is free before, it is made when it is taken.
///
/// - Complexity: holds one value beside the caller's; the two swap storage.
public final class Ahead<Order: Sendable, Value: Sendable>: Sendable {
  private let maker: Maker<Order, Value>

  /// - Parameters:
  ///   - value: where the first value is made.
  ///   - make: overwrites an earlier value, whose storage it may use again; called from several threads, never at once.
  public init(_ value: Value, make: @escaping @Sendable (Order, inout Value) -> Void) {
    maker = Maker(value, make)
  }

  deinit { maker.finish() }

  /// Has the value of `order` made.
  ///
  /// - Precondition: the value begun before was taken; not called by two threads at once, as `take` is not.
  public func begin(_ order: Order) {
    precondition(maker.order == nil, "a value is under way already")
    maker.begin(order)
  }

  /// Swaps the value that was begun for `value`, whose storage the next but one will use.
  ///
  /// - Precondition: a value was begun.
  public func take(_ value: inout Value) {
    precondition(maker.order != nil, "no value was begun")
    maker.finish()
    swap(&maker.value, &value)
  }
}

/// What the errand's thread reaches; apart from ``Ahead``, which may so end on its owner's thread alone.
private final class Maker<Order: Sendable, Value: Sendable>: Errand, @unchecked Sendable {
  // The errand's thread alone touches these between `begin` and `finish`, the owner alone at any other time.
  private(set) var order: Order?
  var value: Value
  private let make: @Sendable (Order, inout Value) -> Void

  init(_ value: Value, _ make: @escaping @Sendable (Order, inout Value) -> Void) {
    (self.value, self.make) = (value, make)
  }

  func begin(_ order: Order) {
    self.order = order
    handOut()
  }

  func finish() {
    if order == nil { return }
    awaitEnd()
    order = nil
  }

  override func run() {
    if let order { make(order, &value) }
  }
}

/// A C errand whose body is a method: a C function cannot be generic.
private class Errand: @unchecked Sendable {
  private let errand: UnsafeMutablePointer<lm_errand>

  init() {
    errand = .allocate(capacity: 1)
    errand.initialize(to: lm_errand())
  }

  deinit { errand.deallocate() }

  func run() { preconditionFailure("an errand has a body") }

  func handOut() {
    errand.pointee.body = { context in
      context.map { Unmanaged<Errand>.fromOpaque($0).takeUnretainedValue().run() }
    }
    errand.pointee.context = Unmanaged.passUnretained(self).toOpaque()
    lm_hand_out_errand(errand)
  }

  func awaitEnd() { lm_finish_errand(errand) }
}
