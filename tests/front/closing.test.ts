import { describe, expect, it } from "vitest";

import { createClosing } from "../../static/src/closing";

describe("a close code", () => {
  it.each([4400, 4403, 4404, 4409, 4411])("%i is final", (code) => {
    expect(createClosing().read(code)).toBe("final");
  });

  it.each([1001, 1006, 1011, 1012, 4408, 4410, 4429, 4503])("%i passes", (code) => {
    expect(createClosing().read(code)).toBe("passing");
  });

  it("R-18: 4401 is doubted once, and believed when it comes again, whatever came between", () => {
    const closing = createClosing();
    expect(closing.read(4401)).toBe("doubted");
    expect(closing.read(1006)).toBe("passing");
    expect(closing.read(4401)).toBe("final");
  });

  it("R-18: 4401 is doubted anew after the server let the page in", () => {
    const closing = createClosing();
    closing.read(4401);
    closing.admitted();
    expect(closing.read(4401)).toBe("doubted");
  });
});
