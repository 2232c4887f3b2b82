// SPDX-License-Identifier: Apache-2.0

// Loaded before a program: sends to the simulator at $PLEX_URL what is meant for
// https://plex.tv, whose address the clients have in them.
'use strict';
const http = require('node:http');
const https = require('node:https');

const simulator = new URL(process.env.PLEX_URL);
const request = https.request;
https.request = (options, ...rest) => {
	if (options.host !== 'plex.tv' && options.hostname !== 'plex.tv') {
		return request(options, ...rest);
	}
	const target = { ...options, protocol: 'http:', agent: undefined, host: simulator.hostname, hostname: simulator.hostname, port: simulator.port };
	return http.request(target, ...rest);
};
const ask = globalThis.fetch;
globalThis.fetch = (input, init) => {
	const url = typeof input === 'string' ? input : input.url;
	return ask(url.replace('https://plex.tv', simulator.origin), init);
};
