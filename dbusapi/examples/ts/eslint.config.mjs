// SPDX-License-Identifier: Apache-2.0
// The style of Retune's own sources.
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';

const noOptionalChains = [
    { selector: 'ChainExpression', message: 'Retune is written without "?.".' },
    { selector: 'LogicalExpression[operator="??"]', message: 'Retune is written without "??".' },
    { selector: 'AssignmentExpression[operator="??="]', message: 'Retune is written without "??=".' },
];

const names = [
    { selector: 'interface', format: ['PascalCase'], prefix: ['I'] },
    { selector: 'typeLike', format: ['PascalCase'] },
    { selector: 'classMethod', modifiers: ['private'], format: ['camelCase'], leadingUnderscore: 'require' },
    { selector: 'classProperty', modifiers: ['private'], format: ['camelCase'], leadingUnderscore: 'require' },
];

export default tseslint.config(
    { ignores: ['dist/', 'node_modules/'] },
    {
        files: ['**/*.{ts,mts,js,cjs,mjs}'],
        plugins: { jsdoc },
        rules: {
            'max-lines': ['error', { max: 300 }],
            'max-lines-per-function': ['error', { max: 50 }],
            'no-restricted-syntax': ['error', ...noOptionalChains],
        },
    },
    {
        files: ['**/*.{ts,mts}'],
        extends: [...tseslint.configs.recommendedTypeChecked],
        languageOptions: { parserOptions: { project: './tsconfig.json' } },
        rules: {
            '@typescript-eslint/consistent-type-definitions': 'off',
            '@typescript-eslint/explicit-function-return-type': 'error',
            '@typescript-eslint/explicit-member-accessibility': 'error',
            '@typescript-eslint/naming-convention': ['error', ...names],
            'jsdoc/require-jsdoc': ['error', {
                checkConstructors: false,
                publicOnly: true,
                require: { ClassDeclaration: true, FunctionDeclaration: true, MethodDefinition: true },
                contexts: ['TSInterfaceDeclaration', 'TSTypeAliasDeclaration', 'TSMethodSignature'],
            }],
        },
    },
    {
        files: ['**/__tests__/**'],
        rules: {
            'jsdoc/require-jsdoc': 'off',
            '@typescript-eslint/no-unsafe-assignment': 'off', // expect.any is any
        },
    },
);
