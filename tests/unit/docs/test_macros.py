from tests.unit.docs.macro_page import PAGE, page, sections

WANTED = {
    *("pyproject_buildrequires", "pyproject_wheel", "pyproject_install", "pyproject_save_files"),
    *("pyproject_files", "pyproject_extras_subpkg", "pyproject_check_import", "py3_build"),
    *("py3_install", "py3_shebang_fix", "pytest", "tox", "py3_dist", "python_provide"),
    *("py_provides", "python_extras_subpkg", "default_toxenv", "python3_sitelib"),
    *("python_enable_dependency_generator", "systemd_post", "systemd_preun"),
    *("systemd_postun_with_restart", "tmpfiles_create", "sysusers_create_compat"),
    *("sysctl_apply", "gpgverify", "py_req_cleanup", "openstack_pre_user_group_create"),
}


def test_the_page_is_what_the_macro_files_say() -> None:
    assert PAGE.read_text() == page(), "python -m tests.unit.docs.macro_page writes it"


def test_every_description_has_its_macros_and_every_file_says_whom_it_follows() -> None:
    found = {name for section in sections() for names, _ in section.rows for name in names}

    assert not [gives for section in sections() for names, gives in section.rows if not names]
    assert all(section.follows for section in sections())
    assert found >= WANTED
