// SPDX-License-Identifier: Apache-2.0
import type { NetConnectOpts } from 'node:net';

import { apiError, AppErrorCode } from './errors';

const SYSTEM_BUS = 'unix:path=/var/run/dbus/system_bus_socket';

/** Where to connect for 'system', 'session' or an address, in the order in which to try. */
export function endpointsOf(bus: string): NetConnectOpts[] {
    const endpoints: NetConnectOpts[] = [];
    for (const entry of addressOf(bus).split(';')) {
        const endpoint = endpointOf(entry);
        if (endpoint !== null) {
            endpoints.push(endpoint);
        }
    }
    if (endpoints.length === 0) {
        throw apiError(AppErrorCode.BUS_UNAVAILABLE, 'there is no D-Bus address of a kind that is known in: ' + bus);
    }
    return endpoints;
}

function addressOf(bus: string): string {
    if (bus === 'system') {
        return process.env['DBUS_SYSTEM_BUS_ADDRESS'] || SYSTEM_BUS;
    }
    if (bus !== 'session') {
        return bus;
    }
    const runtime = process.env['XDG_RUNTIME_DIR'];
    const address = process.env['DBUS_SESSION_BUS_ADDRESS'] || (runtime ? 'unix:path=' + runtime + '/bus' : '');
    if (address === '') {
        throw apiError(AppErrorCode.BUS_UNAVAILABLE, 'there is no session bus: DBUS_SESSION_BUS_ADDRESS is not set');
    }
    return address;
}

function endpointOf(entry: string): NetConnectOpts | null {
    const colon = entry.indexOf(':');
    const values = new Map<string, string>();
    for (const pair of entry.slice(colon + 1).split(',')) {
        const equals = pair.indexOf('=');
        values.set(pair.slice(0, equals), unescaped(pair.slice(equals + 1)));
    }
    const path = values.get('path');
    const abstract = values.get('abstract');
    const port = Number(values.get('port'));
    switch (entry.slice(0, colon)) {
        case 'unix':
            if (path !== undefined) {
                return { path };
            }
            return abstract === undefined ? null : { path: '\0' + abstract };
        case 'tcp':
            return port > 0 ? { host: values.get('host') || 'localhost', port } : null;
        default:
            return null;
    }
}

/** Addresses escape bytes as %20. */
function unescaped(value: string): string {
    try {
        return decodeURIComponent(value);
    } catch {
        return value;
    }
}
