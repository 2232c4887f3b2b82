// SPDX-License-Identifier: Apache-2.0

module.exports = {
    preset: 'ts-jest',
    testEnvironment: 'node',
    roots: ['<rootDir>/src'],
    testMatch: ['**/__tests__/**/*.test.ts'],
    // Bounds every wait, and measures nothing.
    testTimeout: 120000,
    // Each file has a bus, a plex.tv and a daemon of its own.
    maxWorkers: 2,
};
