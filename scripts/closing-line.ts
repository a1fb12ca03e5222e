// A reporter of one line, the last of a test run: how many tests passed and failed, for whoever reads logs by machine.

import type { Reporter, TestModule } from "vitest/node";

export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      const failedTests = tests.filter((test) => test.result().state === "failed").length;
      passed += tests.filter((test) => test.result().state === "passed").length;
      // A file can fail without a test of it failing: it does not load, or a hook of it throws.
      failed += failedTests === 0 && module.state() === "failed" ? 1 : failedTests;
    }
    console.log(`${passed} passed, ${failed} failed`);
  }
}
